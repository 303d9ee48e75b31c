package checks

import (
	"errors"
	"strings"
	"testing"

	"changegate/rules"

	"github.com/google/go-cmp/cmp"
)

// blobTexts are blobs of a test: a text is stored under its git id.
type blobTexts map[string]string

func (c blobTexts) file(text string) rules.Entry { return c.mode("100644", text) }

func (c blobTexts) mode(mode, text string) rules.Entry {
	id := blobID(40, text)
	c[id] = text
	return rules.Entry{Blob: id, Mode: mode}
}

var errNotThere = errors.New("not there")

func (c blobTexts) read(blob string) ([]byte, error) {
	text, ok := c[blob]
	if !ok {
		return nil, errNotThere
	}
	return []byte(text), nil
}

func TestUndoAfter(t *testing.T) {
	t.Parallel()
	c := blobTexts{}
	none := rules.Entry{}
	v1, v2 := c.file("a\nb\nc\nd\n"), c.file("a\nB\nc\nd\n")
	other, later := c.file("something else\n"), c.file("a\nB\nc\nD\n")
	huge := c.file(strings.Repeat("x", rules.MaxMerged+1))
	binary, text := c.file("a\x00b\n"), c.file("a\n")
	link, module, folder := c.mode("120000", "v1"), rules.Entry{Blob: oid("7"), Mode: "160000"}, rules.Entry{Blob: oid("8"), Mode: "040000"}
	run := func(e rules.Entry) rules.Entry { e.Mode = "100755"; return e }
	const merged = "a\nb\nc\nD\n"
	for _, tt := range []struct {
		name                string
		landed, before, now rules.Entry
		back                rules.Entry
		wrong               string
	}{
		{"nothing since", v2, v1, v2, v1, ""},
		{"taken out already", v2, v1, v1, v1, ""},
		{"changed elsewhere", v2, v1, later, rules.Entry{Blob: blobID(40, merged), Mode: "100644"}, ""},
		{"the same line again", v2, v1, c.file("a\n?\nc\nd\n"), none, rules.WrongConflict},
		{"added by the change", v2, none, v2, none, ""},
		{"added by the change, changed since", v2, none, later, none, rules.WrongConflict},
		{"added by the change, gone since", v2, none, none, none, rules.WrongConflict},
		{"deleted by the change", none, v1, none, v1, ""},
		{"deleted by the change, the same added since", none, v1, v1, v1, ""},
		{"deleted by the change, another added since", none, v1, other, none, rules.WrongConflict},
		{"changed, deleted or moved since", v2, v1, none, none, rules.WrongConflict},
		{"made a program", run(v1), v1, run(v1), v1, ""},
		{"made a program, edited since", run(v1), v1, run(v2), v2, ""},
		{"edited, made a program since", v2, v1, run(v2), run(v1), ""},
		{"both, and edited elsewhere since", run(v2), v1, run(later), rules.Entry{Blob: blobID(40, merged), Mode: "100644"}, ""},
		{"the same deleted by the change, as a program since", none, v1, run(v1), none, rules.WrongConflict},
		{"a link before", v2, link, v2, none, rules.WrongKind},
		{"a link since", v2, v1, link, none, rules.WrongKind},
		{"a submodule", module, v1, module, none, rules.WrongKind},
		{"a folder since", none, v1, folder, none, rules.WrongKind},
		{"large, whole", huge, v1, huge, v1, ""},
		{"large, to be merged", v2, v1, huge, none, rules.WrongLarge},
		{"binary, whole", binary, text, binary, text, ""},
		{"binary, changed on both sides", text, c.file("b\n"), binary, none, rules.WrongBinary},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := undoAfter("p.md", tt.landed, tt.before, tt.now, c.read)
			if err != nil {
				t.Fatal(err)
			}
			if (got.Conflict != nil) != (tt.name == "the same line again" || tt.name == "deleted by the change, another added since") {
				t.Errorf("conflict shown: %v", got.Conflict)
			}
			if (got.Data != nil) != strings.HasSuffix(tt.name, "elsewhere since") && (string(got.Data) != merged || tt.wrong != "") {
				t.Errorf("data %q", got.Data)
			}
			got.Conflict, got.Data = nil, nil
			want := rules.Restored{Path: "p.md", Landed: tt.now, Back: tt.back, Wrong: tt.wrong}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("undoAfter (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUndoBefore(t *testing.T) {
	t.Parallel()
	c := blobTexts{}
	none := rules.Entry{}
	o, head := c.file("a\nb\nc\nd\n"), c.file("a\nB\nc\nd\n")
	tip := c.file("a\nb\nc\nD\n")
	for _, tt := range []struct {
		name      string
		o, t, h   rules.Entry
		want      rules.Restored
		unfetched bool // no content may be needed
	}{
		{"the base branch stands still", o, o, head, rules.Restored{Landed: head, Back: o}, true},
		{"a file of the change", none, none, head, rules.Restored{Landed: head}, true},
		{"deleted by the change", o, o, none, rules.Restored{Back: o}, true},
		{"the base branch changed something else", o, tip, head, rules.Restored{Landed: c.file("a\nB\nc\nD\n"), Back: tip}, false},
		{"the base branch changed the same line", o, c.file("a\n?\nc\nd\n"), head, rules.Restored{Landed: head, Wrong: rules.WrongConflict,
			Conflict: &rules.Conflict{Line: 2, Wrote: "B\n", Now: "?\n", Before: "b\n"}}, false},
		{"the base branch made the same change", o, head, head, rules.Restored{Landed: head, Wrong: rules.WrongConflict,
			Conflict: &rules.Conflict{Line: 2, Wrote: "B\n", Now: "B\n", Before: "b\n"}}, false},
		{"and one more", o, c.file("a\nB\nc\nD\n"), head, rules.Restored{Landed: c.file("a\nB\nc\nD\n"), Wrong: rules.WrongConflict,
			Conflict: &rules.Conflict{Line: 2, Wrote: "B\n", Now: "B\n", Before: "b\n"}}, false},
		{"the base branch deleted it", o, none, head, rules.Restored{Landed: head, Wrong: rules.WrongConflict}, true},
		{"both deleted it", o, none, none, rules.Restored{Wrong: rules.WrongConflict}, true},
		{"a link on the base branch", o, c.mode("120000", "x"), head, rules.Restored{Landed: head, Wrong: rules.WrongKind}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			read := c.read
			if tt.unfetched {
				read = blobTexts{}.read
			}
			got, err := undoBefore("p.md", tt.o, tt.t, tt.h, read)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Path = "p.md"
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("undoBefore (-want +got):\n%s", diff)
			}
		})
	}
}

// What cannot be read is an error, never a file that is empty; what is too large to be
// fetched is too large.
func TestUndoUnread(t *testing.T) {
	t.Parallel()
	c := blobTexts{}
	o, tip, head := c.file("a\nb\nc\n"), c.file("A\nb\nc\n"), c.file("a\nb\nC\n")
	for _, gone := range []rules.Entry{o, tip, head} {
		for _, why := range []error{errNotThere, errLarge} {
			read := func(blob string) ([]byte, error) {
				if blob == gone.Blob {
					return nil, why
				}
				return c.read(blob)
			}
			before, err := undoBefore("p.md", o, tip, head, read)
			after, errAfter := undoAfter("p.md", o, tip, head, read)
			if why == errLarge {
				if err != nil || errAfter != nil || before.Wrong != rules.WrongLarge || after.Wrong != rules.WrongLarge {
					t.Errorf("%+v, %v; %+v, %v: want both too large", before, err, after, errAfter)
				}
				continue
			}
			if !errors.Is(err, why) || !errors.Is(errAfter, why) {
				t.Errorf("errors %v and %v, want %v", err, errAfter, why)
			}
		}
	}
}

// The id of a merged text is as long as the repository's ids are.
func TestUndoIDs(t *testing.T) {
	t.Parallel()
	for _, digits := range []int{40, 64} {
		texts := map[string]string{}
		file := func(text string) rules.Entry {
			id := blobID(digits, text)
			texts[id] = text
			return rules.Entry{Blob: id, Mode: "100644"}
		}
		landed, before, now := file("a\nb\nc\n"), file("A\nb\nc\n"), file("a\nb\nC\n")
		got, err := undoAfter("p.md", landed, before, now, blobTexts(texts).read)
		if want := file("A\nb\nC\n"); err != nil || got.Back != want || string(got.Data) != "A\nb\nC\n" {
			t.Errorf("undoAfter = %+v, %v; want %v", got, err, want)
		}
	}
}
