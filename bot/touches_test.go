package bot

import (
	"slices"
	"testing"

	"changegate/checks"
	"changegate/rules"
)

// TestTouches: a rebase lands several commits, and what GitHub compares may be the last of
// them only; a merge commit made by hand holds more than the pull request.
func TestTouches(t *testing.T) {
	t.Parallel()
	landed, listed := []rules.File{{Path: "b", OldPath: "a"}}, []rules.File{{Path: "c"}, {Path: "b"}}
	for name, c := range map[string]struct {
		whole bool
		gap   string
		all   bool
	}{
		"known":                      {true, "", true},
		"known but for its reviews":  {true, "reviews", true},
		"not all of what it left":    {false, "", false},
		"not all of what it changes": {true, "files", false},
	} {
		m := &merging{reading: &reading{Gathered: &checks.Gathered{Change: rules.Change{Files: listed}}}, landed: landed, whole: c.whole}
		if c.gap != "" {
			m.Change.Gaps = []rules.Gap{{What: c.gap}}
		}
		paths, all := m.touches()
		if want := []string{"a", "b", "c"}; !slices.Equal(paths, want) || all != c.all {
			t.Errorf("%s: %q, all %v; want %q, %v", name, paths, all, want, c.all)
		}
	}
}
