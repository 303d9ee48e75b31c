package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

const someCommit = "0123456789abcdef0123456789abcdef01234567"

// TestUndoingReadsBack: whatever people called a pull request, or gave as a reason, the
// change request of its rollback has the keys and values that were meant, and no other.
func TestUndoingReadsBack(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"```", "\n", "\r", "  ", "change:", "requested_by: somebody-else", "rollback: {to: main}", `"`, `\`, "'", "#", "---", "&a", "*a", "!!binary",
		"-->", "<!--", "~~~", "\u202e", "\ufeff", "\u0085", "\u2028", "\x00", "\xff", "\U0010ffff", "word", "é", "@acme/team", "[skip ci]", "{{", "%", "|",
	}
	words := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(pieces), rapid.StringN(0, 8, -1)), 0, 12).Draw(t, "pieces"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		u := Undoing{Change: 12, Title: words.Draw(t, "title"), Before: someCommit, By: "rev1", Reason: words.Draw(t, "reason"), Incident: words.Draw(t, "incident")}
		body := "Rolls back " + ChangeID(u.Change) + ".\n\n" + u.Block() + "\nIt restores 1 file.\n"
		texts := RequestsIn(body)
		if len(texts) != 1 {
			t.Fatalf("%d change requests in\n%s", len(texts), body)
		}
		got, problems := ReadRequest(texts, time.UTC)
		if len(problems) > 0 {
			t.Fatalf("%v in\n%s", problems, body)
		}
		want := &Request{Source: "the description", Why: got.Why, OnMerge: true, Rollback: &Rollback{To: someCommit}, Ticket: got.Ticket, RequestedBy: "rev1"}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Request{})); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if !strings.HasPrefix(got.Why, "Roll back CHG-12") || (strings.TrimSpace(u.Incident) == "") != (got.Ticket == "") {
			t.Fatalf("why %q, ticket %q", got.Why, got.Ticket)
		}
		if s := u.Subject(); strings.ContainsAny(s, "\r\n[<@`") || len([]rune(s)) > 256 {
			t.Fatalf("subject %q", s)
		}
	})
}

func TestUndoing(t *testing.T) {
	t.Parallel()
	u := Undoing{Change: 12, Title: "Raise the limit [skip ci]", Before: someCommit, By: "rev1", Reason: `customers were told "no"`, Incident: "INC-881"}
	if got, want := u.Subject(), "Roll back CHG-12: Raise the limit 'skip ci]"; got != want {
		t.Errorf("subject %q, want %q", got, want)
	}
	want := "```yaml\nchange:\n  why: \"Roll back CHG-12: customers were told \\\"no\\\"\"\n  effective_at: on-merge\n  rollback:\n    to: \"" +
		someCommit + "\"\n  ticket: \"INC-881\"\n  requested_by: \"rev1\"\n```\n"
	if diff := cmp.Diff(want, u.Block()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
