package githubtest

import (
	"maps"
	"slices"
)

// Fork makes sure somebody has a fork of the repository, with its default branch,
// and returns it. As on GitHub a fork is a repository of its own, as private as
// what it was forked from, and both keep their objects in one store.
func (r *Repo) Fork(login string) *Repo {
	var fork *Repo
	r.s.tell(func() { fork = r.fork(r.s.account(login)) })
	return fork
}

func (r *Repo) fork(owner *account) *Repo {
	if fork := r.forks[owner.id]; fork != nil {
		return fork
	}
	name := r.name
	for r.s.repos[lower(owner.login+"/"+name)] != nil {
		name += "-1"
	}
	fork := r.s.newRepo(owner, name, r.git)
	fork.parent, fork.main = r, r.main
	fork.refs["refs/heads/"+r.main] = r.refs["refs/heads/"+r.main]
	r.forks[owner.id] = fork
	return fork
}

// DeleteFork deletes somebody's fork. Pull requests from it stay open, without a
// head repository; their commits stay in this one.
func (r *Repo) DeleteFork(login string) { r.s.tell(func() { r.forks[r.s.account(login).id].delete() }) }

func (r *Repo) delete() {
	delete(r.s.repos, lower(r.fullName()))
	if r.parent != nil {
		delete(r.parent.forks, r.owner.id)
	}
	for _, other := range r.network() {
		for _, p := range other.pulls {
			if p.from == r {
				p.from = nil
			}
		}
	}
}

// isPrivate reports whether only some may read the repository.
func (r *Repo) isPrivate() bool { return r.root().private }

// root is what everything in the repository's network was forked from.
func (r *Repo) root() *Repo {
	for r.parent != nil {
		r = r.parent
	}
	return r
}

// network is the repository first forked, all forks and their forks.
func (r *Repo) network() []*Repo {
	list := []*Repo{r.root()}
	for i := 0; i < len(list); i++ {
		for _, id := range slices.Sorted(maps.Keys(list[i].forks)) {
			list = append(list, list[i].forks[id])
		}
	}
	return list
}

// pullsFrom are the open pull requests, in any repository of the network, whose
// head is a branch of this one.
func (r *Repo) pullsFrom(ref string) []*Pull {
	var list []*Pull
	for _, other := range r.network() {
		for _, p := range other.pulls {
			if p.state == "open" && p.from == r && p.headRef == ref {
				list = append(list, p)
			}
		}
	}
	return list
}
