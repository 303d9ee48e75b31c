package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/rules"
)

// unlisted is what Target.Unknown says of folders that GitHub did not give.
const unlisted = "GitHub did not give whole what the folder of %s holds at %.7s"

// tooMany is what it says of contents that are not merged.
const tooMany = "the same files were changed beside it: %d contents would have to be merged, at most %d are"

// tooLong is what it says of contents that do not come in one answer.
const tooLong = "the same files were changed beside it, and together they are too large to be merged"

// restore fills in the files of a target, or says in Unknown why not.
func (g *gathering) restore(ctx context.Context, t *rules.Target, a *pointer) error {
	all, unknown := g.sides(t, a.paths)
	ids, ways := g.merged(all, a)
	switch {
	case unknown != "":
		t.Unknown = unknown
		return nil
	case len(ids) > mostMerged:
		t.Unknown = fmt.Sprintf(tooMany, len(ids), mostMerged)
		return nil
	}
	texts := g.c.contents(g.out.Place)
	if err := texts.ask(ctx, unique(append(ids, ways.ids...))); errors.Is(err, errAnswer) {
		t.Unknown = tooLong
		return nil
	} else if err != nil {
		return fmt.Errorf("read what a rollback merges: %w", err)
	}
	elsewhere := a.look.Path != "" && !g.folders.has(t.Commit, a.look.Path)
	for i, p := range a.paths {
		r, err := all[i].back(p, a.look.Revert, ways.reader(p, texts.read))
		switch {
		case errors.Is(err, errUnread):
			r.Wrong = rules.WrongUnread
		case err != nil:
			return err
		case elsewhere && all[i].tip != (rules.Entry{}):
			r.Wrong = rules.WrongElsewhere
		case !a.look.Revert && g.folders.isFolder(folder{t.Commit, p}):
			r.Wrong = rules.WrongFolder
		}
		t.Files = append(t.Files, r)
	}
	return g.parsed(ctx, t)
}

// merged are the contents that are read to be merged, and the attributes that say how.
func (g *gathering) merged(all []sides, a *pointer) (ids []string, w ways) {
	c := &g.out.Change
	for i, s := range all {
		need := s.reads(a.look.Revert)
		if ids = append(ids, need...); len(need) > 0 {
			w.on(a.paths[i], func(name string) []rules.Entry {
				base, _ := g.folders.at(c.Base.Commit, name)
				head, _ := g.folders.at(c.Head.Commit, name)
				return []rules.Entry{base, head}
			})
		}
	}
	return unique(ids), w
}

// sides are what each path is at the commits that a rollback is made of.
func (g *gathering) sides(t *rules.Target, paths []string) (out []sides, unknown string) {
	c := &g.out.Change
	for _, p := range paths {
		var s sides
		for _, at := range []struct {
			commit string
			e      *rules.Entry
		}{{c.MergeBase, &s.fork}, {c.Base.Commit, &s.tip}, {c.Head.Commit, &s.head}, {t.Commit, &s.target}} {
			var known bool
			if *at.e, known = g.folders.at(at.commit, p); !known {
				return nil, fmt.Sprintf(unlisted, p, at.commit)
			}
		}
		out = append(out, s)
	}
	return out, ""
}

// parsed fills in what a parser reads before the change may pass.
func (g *gathering) parsed(ctx context.Context, t *rules.Target) error {
	var sources []Source
	for i := range t.Files {
		r := &t.Files[i]
		switch {
		case !isParsed(&g.out.Change, r.Path) || r.Back.Blob == "" || r.Wrong != "":
		case r.Path == PolicyPath && r.Back.Blob == g.out.Policy.Blob && g.out.Policy.State == PolicyRead:
			r.Text = g.out.Policy.Data
		default:
			sources = append(sources, Source{t.Commit, r.Path, r.Back.Blob})
		}
	}
	if len(sources) == 0 {
		return nil
	}
	texts, err := g.c.Contents(ctx, g.out.Place, sources)
	if err != nil {
		return fmt.Errorf("read what a rollback leaves: %w", err)
	}
	for i := range t.Files {
		r := &t.Files[i]
		if !slices.ContainsFunc(sources, func(s Source) bool { return s.Path == r.Path }) {
			continue
		}
		var ok bool
		if r.Text, ok = texts[r.Back.Blob]; !ok || len(r.Text) > rules.MaxPolicy {
			r.Text, r.Wrong = nil, rules.WrongUnread
		}
	}
	return nil
}
