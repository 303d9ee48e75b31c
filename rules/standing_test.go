package rules

import "testing"

// TestStanding: a merged plan works until something keeps it from bringing back what is
// not back already; a tag that was moved is said and breaks nothing.
func TestStanding(t *testing.T) {
	t.Parallel()
	old, now := Entry{Blob: "b1", Mode: "100644"}, Entry{Blob: "b2", Mode: "100644"}
	for name, c := range map[string]struct {
		edit   func(*Target)
		broken bool
		code   string
	}{
		"works":            {func(*Target) {}, false, ""},
		"tag moved":        {func(t *Target) { t.Moved = true }, false, CodeTagMoved},
		"commit gone":      {func(t *Target) { t.InBase = false }, true, CodeOutsideBase},
		"gone, tag moved":  {func(t *Target) { t.InBase, t.Moved = false, true }, true, CodeOutsideBase},
		"conflict":         {func(t *Target) { t.Files[1].Wrong = WrongConflict }, true, CodeConflict},
		"not known":        {func(t *Target) { t.Unknown = "a folder" }, true, CodeUnverified},
		"one is back":      {func(t *Target) { t.Files[0].Landed = old }, false, ""},
		"back, one is not": {func(t *Target) { t.Files[0].Landed, t.Files[1].Wrong = old, WrongConflict }, true, CodeConflict},
		"all are back":     {func(t *Target) { t.Files[0].Landed, t.Files[1].Landed = old, old }, false, ""},
	} {
		target := &Target{To: "v1", Form: FormTag, Commit: "0123456789abcdef0123456789abcdef01234567", InBase: true,
			Files: []Restored{{Path: "a", Landed: now, Back: old}, {Path: "b", Landed: now, Back: old}}}
		c.edit(target)
		if broken, code, says := target.Standing("main"); broken != c.broken || code != c.code || (says == "") != (c.code == "") {
			t.Errorf("%s: broken %t, %q, %q; want %t, %q", name, broken, code, says, c.broken, c.code)
		}
	}
}
