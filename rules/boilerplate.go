package rules

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// listMark is what begins an item of a list, ticked or not.
var listMark = regexp.MustCompile(`^\s*(?:[-*+>]|\d{1,3}[.)])?\s*(?:\[[ xX]?\])?`)

// What a link to the change itself and an option of git's say is no plan. Any other link
// may lead to one.
var (
	linked = regexp.MustCompile(`(?i)\[((?:the |this )?(?:merge |squash )?(?:commit|pr|pull request|change))\]\([^)]*\)`)
	mainly = regexp.MustCompile(`\s-m\s+1\b`)
)

// boilerplate reports whether a text is what templates are filled with: it says nothing
// of this change, so nobody on call could act by it. How it is written does not matter:
// letters, spaces, punctuation, list marks and links are made alike.
func boilerplate(text string) bool {
	if strings.TrimSpace(text) == "" {
		return false
	}
	text = mainly.ReplaceAllString(linked.ReplaceAllString(text, "$1"), "")
	// What cannot be seen may stand between words, or within one.
	return saysNothing(strings.Map(seen(-1), text)) || saysNothing(strings.Map(seen(' '), text))
}

// saysNothing reports whether every line of a text is what templates hold, or all of it has
// no word that is not of a revert.
func saysNothing(text string) bool {
	if template(plain(text)) {
		return true
	}
	for line := range strings.Lines(text) {
		if words := plain(line); words != "" && !template(words) {
			return false
		}
	}
	return true
}

// template reports whether words are those of a template, or of taking back the change and
// nothing else.
func template(words string) bool {
	if words == "" || slices.Contains(boilerplates, words) || slices.ContainsFunc(form, func(f struct{ key, hint string }) bool { return plain(f.hint) == words }) {
		return true
	}
	takesBack := false
	for word := range strings.SplitSeq(words, " ") {
		if !strings.Contains(revertWords, " "+word+" ") {
			return false
		}
		takesBack = takesBack || strings.Contains(takingBack, " "+word+" ")
	}
	return takesBack
}

// The words of which a plan may consist that only says that the change is taken back: with
// `rollback.to` it says nothing. One of takingBack is among them.
const (
	takingBack  = " revert reverts reverting reverted undo undoing rollback rolling roll "
	revertWords = takingBack + " back git please simply just we i you will would can could should be the this that it its a an these your our of on via through in github gitlab ui" +
		" pr prs mr pull merge request requests squash squashed merged commit commits change changes head sha hash" +
		" if when needed necessary required something anything goes wrong breaks fails step steps plan procedure describe how to do and then redeploy "
)

// seen makes letters that look alike the same, and what cannot be seen another rune.
func seen(unseen rune) func(rune) rune {
	return func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return unseen
		case r >= '！' && r <= '～':
			return r - '！' + '!' // full width
		}
		if i := strings.IndexRune("аеорсухіАЕОРСУХІ", r); i >= 0 {
			return rune("aeopcyxiAEOPCYXI"[i/2]) // Cyrillic, of two bytes each
		}
		return r
	}
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
	"use the revert button", "press the revert button", "click the revert button", "press revert", "click revert", "how", "sha", "redeploy",
	"x", "xx", "xxx", "yes", "ok", "test", "placeholder", "lorem ipsum", "fill in", "fill me in", "please fill in",
	"free text for the person on call", "a login or team", "optional",
}
