package rules

import "strings"

// Chain returns those of the pushes heard of that brought a branch to head, and the
// first commit on the way back that nobody is known to have pushed; empty when the
// way is known to where the branch left its base. Commits are those of base..head:
// a push that was not forced and began outside of them began on the base branch.
func Chain(head string, commits []Commit, heard []Push) (pushes []Push, unknown string) {
	inside := make(map[string]bool, len(commits))
	for _, k := range commits {
		inside[k.ID] = true
	}
	to, told := map[string][]Push{}, map[Push]bool{} // many thousand times, if somebody likes
	for _, p := range heard {
		if !told[p] {
			told[p] = true
			to[p.After] = append(to[p.After], p)
		}
	}
	seen := map[string]bool{head: true}
	for way := []string{head}; len(way) > 0; way = way[1:] {
		pushes = append(pushes, to[way[0]]...)
		for _, p := range to[way[0]] {
			began := strings.Trim(p.Before, "0") == "" || !p.Forced && !inside[p.Before]
			if !began && !seen[p.Before] {
				seen[p.Before] = true
				way = append(way, p.Before)
			}
		}
		if len(to[way[0]]) == 0 && unknown == "" {
			unknown = way[0]
		}
	}
	return pushes, unknown
}
