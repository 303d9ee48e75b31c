package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want []Command
	}{
		"plain":        {"/change status", []Command{{Name: "status", Line: 1}}},
		"blank after":  {"/change status  \n", []Command{{Name: "status", Line: 1}}},
		"after words":  {"Thank you.\n/change recheck\nagain", []Command{{Name: "recheck", Line: 2}}},
		"two":          {"/change hold\n\n/change status", []Command{{Name: "hold", Line: 1}, {Name: "status", Line: 3}}},
		"carriage":     {"/change hold\r\n/change status\r", []Command{{Name: "hold", Line: 1}, {Name: "status", Line: 2}}},
		"in a word":    {"and /change status", nil},
		"longer word":  {"/changes status", nil},
		"indented":     {" /change status", nil},
		"code":         {"    /change status", nil},
		"fence":        {"```\n/change status\n```", nil},
		"open fence":   {"~~~\n/change status", nil},
		"quote":        {"> /change status", nil},
		"lazy quote":   {"> he said\n/change status", nil},
		"list":         {"- /change status\n/change hold", nil},
		"comment":      {"<!-- \n/change status\n-->", nil},
		"heading":      {"/change status\n===", nil},
		"html block":   {"<div>\n/change status\n</div>", nil},
		"span of code": {"`/change status`", nil},
		"schedule":     {"/change schedule 2026-11-30 09:00 Europe/Berlin", []Command{{Name: "schedule", Time: "2026-11-30 09:00 Europe/Berlin", Line: 1}}},
		"hold why":     {"/change hold reason: legal reads it", []Command{{Name: "hold", Reason: "legal reads it", Line: 1}}},
		"break-glass": {"/change break-glass reason: refunds: without limit incident: INC-881",
			[]Command{{Name: "break-glass", Reason: "refunds: without limit", Incident: "INC-881", Line: 1}}},
		"other order": {"/change break-glass incident: INC-881 reason: all down",
			[]Command{{Name: "break-glass", Reason: "all down", Incident: "INC-881", Line: 1}}},
		"waive":                     {"/change waive freeze reason: a customer waits", []Command{{Name: "waive", Rule: "freeze", Reason: "a customer waits", Line: 1}}},
		"rollback":                  {"/change rollback", []Command{{Name: "rollback", Line: 1}}},
		"rollback, keys":            {"/change rollback reason: refunds fail incident: INC-881", []Command{{Name: "rollback", Reason: "refunds fail", Incident: "INC-881", Line: 1}}},
		"rollback, words":           {"/change rollback see https://x.example/1: refunds fail", []Command{{Name: "rollback", Reason: "see https://x.example/1: refunds fail", Line: 1}}},
		"rollback, words and a key": {"/change rollback refunds fail incident: INC-881", []Command{{Name: "rollback", Reason: "refunds fail", Incident: "INC-881", Line: 1}}},
		"ack":                       {"/change ack ex-17 outcome: the change was right", []Command{{Name: "ack", ID: "EX-17", Outcome: "the change was right", Line: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, Commands(test.body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		"/change":                                    {"the command is missing", "`/change help`"},
		"/change stauts":                             {"`/change stauts` is not a command", "did you mean `/change status`?"},
		"/change approve":                            {"`/change approve` is not a command", "approvals are given in Files changed"},
		"/change aproove":                            {"`/change aproove` is not a command", "approvals are given in Files changed"},
		"/change frobnicate-everything":              {"is not a command", "`/change help` lists the commands"},
		"/change status now":                         {"`/change status` takes nothing after it", "`/change status`"},
		"/change schedule":                           {"the time is missing", "`/change schedule 2026-11-30 09:00 Europe/Berlin`"},
		"/change break-glass":                        {"`reason:` is missing", "`/change break-glass reason: what happened incident: INC-881`"},
		"/change break-glass reason: down":           {"`incident:` is missing", "incident: INC-881`"},
		"/change break-glass now reason: x":          {"`now` stands before the first key", "`/change break-glass"},
		"/change break-glass reason: a reason: b":    {"`reason:` is written twice", "`/change break-glass"},
		"/change break-glass reason: incident: x":    {"`reason:` is missing", "`/change break-glass"},
		"/change waive approvals reason: x":          {"`approvals` cannot be waived", "`/change waive freeze reason: why it cannot wait`"},
		"/change ack outcome: fine":                  {"is not the number of an exception", "`/change ack EX-17"},
		"/change rollback x reason: y":               {"`reason:` is written twice", "`/change rollback reason: what happened incident: INC-881`"},
		"/change ack EX-1":                           {"`outcome:` is missing", "`/change ack EX-17"},
		"/change hold " + strings.Repeat("é", 501):   {"`reason` has 501 characters, at most 500 are kept", "say it shorter"},
		"/change " + strings.Repeat("@all<b>", 9000): {"is not a command", "`/change help`"},
	} {
		t.Run(clip(line, 40), func(t *testing.T) {
			t.Parallel()
			all := Commands(line)
			if len(all) != 1 || !strings.Contains(all[0].Wrong, want[0]) || !strings.Contains(all[0].Fix, want[1]) {
				t.Errorf("got %+v, want wrong %q and fix %q", all, want[0], want[1])
			}
			if len(all) == 1 && len(all[0].Wrong+all[0].Fix) > 500 {
				t.Errorf("the answer has %d bytes", len(all[0].Wrong+all[0].Fix))
			}
		})
	}
}

// TestManyCommands: a comment is not a script.
func TestManyCommands(t *testing.T) {
	t.Parallel()
	all := Commands(strings.Repeat("/change status\n", 4000))
	if len(all) != maxCommands || all[maxCommands-1].Wrong == "" {
		t.Errorf("%d commands, the last %+v", len(all), all[len(all)-1])
	}
}

// FuzzCommands: a command stands at the beginning of a line, no text takes long, and
// whoever gives it gets an answer that can be shown.
func FuzzCommands(f *testing.F) {
	f.Add("/change ack EX-1 outcome: fine\n> /change hold")
	for _, line := range lines {
		f.Add("/change " + line)
	}
	p, on := parse(f, commanded), change(excepted(broke()))
	f.Fuzz(func(t *testing.T, body string) {
		lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body), "\n")
		for _, c := range Commands(body) {
			if c.Line < 1 || c.Line > len(lines) || !strings.HasPrefix(lines[c.Line-1], "/change") {
				t.Errorf("%+v is not where a line begins with /change in %q", c, body)
			}
			for _, by := range []Speaker{omnipotent(rev3), omnipotent(lead), omnipotent(dev1), robot, ghost} {
				got := p.Admit(on, c, by, noon)
				if got.Refused() && (got.Fix == "" || !tame(got.Wrong)) || !got.Refused() && (c.Wrong != "" || !by.human()) {
					t.Errorf("%+v by %s comes to %+v", c, by.Login, got)
				}
			}
		}
	})
}

// tame reports whether a text can stand in a comment: on one line, notifying nobody.
func tame(s string) bool {
	for i, part := range strings.Split(s, "`") {
		if i%2 == 0 && strings.ContainsAny(part, "@<[\n") {
			return false
		}
	}
	return strings.Count(s, "`")%2 == 0
}
