package checks

import (
	"fmt"

	"changegate/rules"
)

// maxImpact is how many pull requests the table of a new policy names.
const maxImpact = 20

// idle shows the groups of a new policy that govern nothing before anything else:
// whoever approves the policy is the last who can see a misspelt path.
func idle(p *page, v View) {
	var lines []string
	for _, f := range v.Verdict.Findings {
		if f.Code == rules.CodeIdle {
			lines = append(lines, "- "+sentence(prose(f.Says))+"\n")
		}
	}
	if len(lines) == 0 {
		return
	}
	p.add(fmt.Sprintf("**Look at this before approving the policy: %s no file.** A group without files asks nothing of anybody.\n\n", governs(len(lines))))
	p.list(lines, maxItems, keepForSteps, v.itemsLeft)
	p.add("\n")
}

func governs(n int) string {
	if n == 1 {
		return "1 group governs"
	}
	return fmt.Sprintf("%d groups govern", n)
}

// impact shows what the policy that this pull request brings would make of the
// other open ones, as it was worked out from their last readings.
func impact(p *page, v View) {
	if v.Impact == nil {
		return
	}
	var rows []string
	more := ""
	for _, i := range v.Impact {
		switch {
		case i.Number == 0:
			more += prose(i.Says) + "\n\n"
		case i.Now != i.Then:
			rows = append(rows, i.row())
		}
	}
	p.add("**What this policy would change for open pull requests**\n\n")
	if len(rows) == 0 {
		p.add("No open pull request would change.\n\n" + more)
		return
	}
	p.add(plural(len(rows), "open pull request") + " would change:\n\n| Pull request | Now | With this policy |\n|---|---|---|\n")
	p.list(rows, maxImpact, keepForReviews, v.rowsLeft)
	p.add("\n" + more)
}

// row names a pull request without the # that would link it and notify its people.
func (i Impact) row() string {
	then := stateWord(i.Then)
	if i.Says != "" {
		then = code(i.Says)
	}
	return fmt.Sprintf("| PR %d %s | %s | %s |\n", i.Number, cell(code(i.Title)), stateWord(i.Now), cell(then))
}
