package checks

// name fills in who made a commit where GraphQL does not say: it names no bots
// there, REST does. Nobody is named by an address alone.
func (g *gathering) name() {
	for i := range g.out.Change.Commits {
		k := &g.out.Change.Commits[i]
		by := g.diff.People[k.ID]
		if k.Author.ID == 0 {
			k.Author = by.Author
		}
		if k.Committer.ID == 0 {
			k.Committer = by.Committer
		}
	}
}
