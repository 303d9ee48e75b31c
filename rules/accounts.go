package rules

import (
	"slices"
	"strings"
)

// whose are whom the policy's logins name. A login of which two accounts are told
// names neither.
func whose(accounts []Account) map[string]int64 {
	all := make(map[string]int64, len(accounts))
	for _, a := range accounts {
		login := strings.ToLower(a.Login)
		if id, has := all[login]; has && id != a.ID {
			a.ID = 0
		}
		all[login] = a.ID
	}
	return all
}

// namesake reports whether the reviewer has a login that an entry names, and is
// not the account that was meant.
func (g *judged) namesake(w *Review) bool {
	return slices.ContainsFunc(g.asked, func(e entry) bool {
		_, known := e.accounts[strings.ToLower(w.By.Login)]
		return known && slices.ContainsFunc(slices.Concat(e.From, e.owners), func(from string) bool {
			return strings.EqualFold(strings.TrimPrefix(from, "@"), w.By.Login)
		})
	})
}

// means reports whether a login of the policy names somebody: by the account it
// stood for, whatever that is called now. Whoever takes a login over is somebody
// else.
func (e *entry) means(login string, p Person) bool {
	if id, known := e.accounts[login]; known {
		return id != 0 && id == p.ID
	}
	return strings.EqualFold(login, p.Login)
}
