package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ancestors returns id and everything reachable from it.
func (s *store) ancestors(id string) map[string]bool {
	seen := map[string]bool{}
	for todo := []string{id}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c := s.commits[at]; c != nil && !seen[at] {
			seen[at] = true
			todo = append(todo, c.parents...)
		}
	}
	return seen
}

// mergeBase is the best common ancestor of two commits; of several, the newest.
// It is empty when the histories have nothing in common.
func (s *store) mergeBase(a, b string) string {
	common := s.ancestors(a)
	theirs := s.ancestors(b)
	maps.DeleteFunc(common, func(id string, _ bool) bool { return !theirs[id] })
	covered := map[string]bool{}
	for id := range common {
		for _, p := range s.commits[id].parents {
			covered[p] = true
		}
	}
	best := ""
	for id := range common {
		if !covered[id] && (best == "" || s.newer(id, best)) {
			best = id
		}
	}
	return best
}

func (s *store) newer(a, b string) bool {
	x, y := s.commits[a].committer.when, s.commits[b].committer.when
	return x.After(y) || x.Equal(y) && a < b
}

// between returns the commits reachable from head but not from base, parents
// before children and otherwise by date: the order of GitHub's lists.
func (s *store) between(base, head string) []*commit {
	behind := s.ancestors(base)
	inside := s.ancestors(head)
	maps.DeleteFunc(inside, func(id string, _ bool) bool { return behind[id] })
	var list []*commit
	for len(inside) > 0 {
		next := ""
		for id := range inside {
			ready := !slices.ContainsFunc(s.commits[id].parents, func(p string) bool { return inside[p] })
			if ready && (next == "" || s.newer(next, id)) {
				next = id
			}
		}
		delete(inside, next)
		list = append(list, s.commits[next])
	}
	return list
}

// mergeFiles merges two snapshots file by file. A file both sides changed
// differently is a conflict.
func mergeFiles(base, ours, theirs snapshot) (merged snapshot, conflicts []string) {
	merged = maps.Clone(ours)
	paths := maps.Clone(base)
	maps.Copy(paths, theirs)
	for path := range paths {
		was, mine, other := base[path], ours[path], theirs[path]
		switch {
		case other == was || other == mine:
		case mine != was:
			conflicts = append(conflicts, path)
		case other == entry{}:
			delete(merged, path)
		default:
			merged[path] = other
		}
	}
	slices.Sort(conflicts)
	return merged, conflicts
}

// mergedInto merges head into base file by file and names the conflicts, where the
// content of base stands.
func (s *store) mergedInto(base, head string) (files snapshot, conflicts []string) {
	var common snapshot
	if id := s.mergeBase(base, head); id != "" {
		common = s.commits[id].files
	}
	return mergeFiles(common, s.commits[base].files, s.commits[head].files)
}

// merged is the snapshot of base with head merged into it.
func (s *store) merged(base, head string) (snapshot, error) {
	files, conflicts := s.mergedInto(base, head)
	if len(conflicts) > 0 {
		return nil, fmt.Errorf("merge conflict in %s", strings.Join(conflicts, ", "))
	}
	return files, nil
}
