package bot_test

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"testing"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

// TestSuggestsTheLastRelease: where a way back is missing, the version is suggested that
// was itself released through the gate last, in the first reading already: not what
// somebody pushed over it.
func TestSuggestsTheLastRelease(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	w.released(t, "revert")
	released := w.repo.Head("main")
	w.walked(t, githubtest.Files{"prompts/a.md": "pushed\n"})
	w.repo.Push("dev1", "next", githubtest.Files{"prompts/a.md": "three\n"})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "next", Title: "Change", Body: "```yaml\nchange:\n  why: Refunds\n```\n"})
	w.works(t)
	w.shows(t, "Author: ")
	if c, _ := w.check(); !strings.Contains(c.Summary, "to: "+released[:7]) {
		t.Errorf("%s is not suggested:\n%s", released, c.Summary)
	}
	w.later()
	w.pull.Edit("dev1", described(released[:7]))
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
}

// TestPlanOfAMergedText: the branch changed other lines of the file since. What landed
// nobody has seen, so the merge is an exception; its way back is of what really landed,
// and is verified for that.
func TestPlanOfAMergedText(t *testing.T) {
	t.Parallel()
	const lines = "one\n2\n3\n4\n5\n6\n7\n"
	w := gated(t, enforced, "rev1", "rev2")
	w.walked(t, githubtest.Files{"prompts/a.md": lines})
	w.repo.Push("dev1", "next", githubtest.Files{"prompts/a.md": "ONE\n2\n3\n4\n5\n6\n7\n"})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "next", Title: "Change", Body: described("revert")})
	w.works(t)
	w.walked(t, githubtest.Files{"prompts/a.md": "one\n2\n3\n4\n5\n6\nSEVEN\n"})
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	w.later()
	w.pull.Merge("rev2", "squash", githubtest.Files{"prompts/a.md": "ONE\n2\n3\n4\n5\n6\nSEVEN\n"})
	w.waited(t)
	w.excepted(t, 3, "changed on the branch as well")
	c := w.changeNumber(t, 1)
	if c.Explained || c.Plan == nil || c.State != evidence.PlanVerified {
		t.Fatalf("the change is %+v", c)
	}
	before, landed := blobOf("one\n2\n3\n4\n5\n6\nSEVEN\n"), blobOf("ONE\n2\n3\n4\n5\n6\nSEVEN\n")
	if f := c.Plan.Files[0]; f.Back.Blob != before || f.Landed.Blob != landed || f.Landed.Mode != "100644" {
		t.Errorf("the plan is %+v, want from %s back to %s", f, landed, before)
	}
}

// blobOf is git's id of a content.
func blobOf(content string) string {
	return fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content)))
}
