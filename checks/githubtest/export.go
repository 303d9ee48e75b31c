package githubtest

import (
	"maps"
	"slices"
)

// Export hands out the repository as git stores it, as a clone gets it: every object,
// then every branch and tag. Ids are git's own, so that a copy of it has the same ones.
func (r *Repo) Export(object func(kind string, data []byte), ref func(name, id string)) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(r.git.objects)) {
		o := r.git.objects[id]
		object(o.kind, o.data)
	}
	for _, id := range slices.Sorted(maps.Keys(r.git.commits)) {
		object("commit", r.git.commits[id].encode())
	}
	for _, name := range slices.Sorted(maps.Keys(r.refs)) {
		ref(name, r.refs[name])
	}
}
