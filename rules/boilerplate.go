package rules

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// listMark is what begins an item of a list, ticked or not.
var listMark = regexp.MustCompile(`^\s*(?:[-*+>]|\d{1,3}[.)])?\s*(?:\[[ xX]?\])?`)

// boilerplate reports whether a text is what templates are filled with: it says nothing
// of this change, so nobody on call could act by it. How it is written does not matter:
// letters, spaces, punctuation and list marks are made alike.
func boilerplate(text string) bool {
	if strings.TrimSpace(text) == "" {
		return false
	}
	words := plain(text)
	return words == "" || slices.Contains(boilerplates, words) || slices.ContainsFunc(form, func(f struct{ key, hint string }) bool { return plain(f.hint) == words })
}

func plain(text string) string {
	words := strings.FieldsFunc(strings.ToLower(listMark.ReplaceAllString(text, "")), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	return strings.Join(words, " ")
}

// boilerplates are what pull requests say of their way back when nobody thought of one.
var boilerplates = []string{
	"revert", "revert it", "revert this", "please revert", "git revert", "just revert", "simply revert", "can be reverted",
	"revert pr", "revert the pr", "revert this pr", "revert pull request", "revert the pull request", "revert this pull request",
	"revert commit", "revert the commit", "revert this commit", "revert commits", "revert the commits", "revert these commits",
	"revert merge", "revert the merge", "revert merge commit", "revert the merge commit", "git revert the merge commit", "revert this merge commit",
	"revert change", "revert the change", "revert this change", "revert changes", "revert the changes", "revert these changes", "revert and redeploy",
	"rollback", "roll back", "rollback the change", "roll back the change", "roll back this change", "rollback this change", "rollback pr", "roll back this pr", "undo", "undo the change",
	"rollback plan", "rollback procedure", "rollback steps", "describe the rollback plan", "describe how to roll back", "describe rollback plan", "how to roll back", "how to rollback", "your rollback plan here",
	"n a", "na", "none", "no", "nope", "nil", "null", "nothing", "not applicable", "not needed", "not required", "not necessary", "no rollback", "no rollback needed", "no rollback required", "no plan",
	"tbd", "tba", "tbc", "to be determined", "to be defined", "to be decided", "to be done", "todo", "to do", "fixme", "wip", "later", "pending", "unknown",
	"same", "same as above", "as above", "see above", "same as before", "as usual", "the usual", "usual", "standard", "standard procedure", "default", "ditto",
	"x", "xx", "xxx", "yes", "ok", "test", "placeholder", "lorem ipsum", "fill in", "fill me in", "please fill in",
	"free text for the person on call", "a login or team", "optional",
}
