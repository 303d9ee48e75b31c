package evidence

import "fmt"

// A GovernedFile is a governed file as a record names it. SHA256 is of its
// content and empty where that was not read.
type GovernedFile struct {
	Path, Blob, SHA256 string
}

func (f GovernedFile) subject() Subject {
	digest := map[string]string{"gitBlob": f.Blob}
	if f.SHA256 != "" {
		digest["sha256"] = f.SHA256
	}
	return Subject{Name: f.Path, Digest: digest}
}

func commitSubject(host, repo, ref, commit string) Subject {
	return Subject{
		Name:   fmt.Sprintf("git+https://%s/%s@%s", host, repo, ref),
		Digest: map[string]string{"gitCommit": commit},
	}
}

// subjects lists a commit and the files that fit a leaf; it returns how many did.
func subjects(commit Subject, files []GovernedFile) ([]Subject, int) {
	var all []Subject
	for _, f := range files {
		if f.Blob != "" {
			all = append(all, f.subject())
		}
	}
	listed := within(all, subjectBudget)
	return append([]Subject{commit}, listed...), len(listed)
}

// Merged makes the record of a merge; files are the governed ones it changed.
// Call m.Explain first.
func Merged(key, host string, m ChangeMerged, files []GovernedFile) Record {
	m.MergedAt, m.EffectiveAt, m.ReadyAt, m.Governed = m.MergedAt.UTC(), m.EffectiveAt.UTC(), m.ReadyAt.UTC(), len(files)
	var s []Subject
	s, m.Listed = subjects(commitSubject(host, m.Repo.Name, "refs/heads/"+m.Branch, m.Commit), files)
	return Record{Key: key, Subject: s, Predicate: &m}
}

// Bypassed makes the record of a commit that came around the gate; files are the
// governed ones it changed.
func Bypassed(key, host string, b BypassDetected, files []GovernedFile) Record {
	b.At, b.Why, b.Governed = b.At.UTC(), clip(b.Why), len(files)
	var s []Subject
	s, b.Listed = subjects(commitSubject(host, b.Repo.Name, "refs/heads/"+b.Branch, b.Commit), files)
	return Record{Key: key, Subject: s, Predicate: &b}
}

// Swept makes the record of a walk along a governed branch.
func Swept(key, host string, w CoverageSweep) Record {
	w.At = w.At.UTC()
	return Record{Key: key, Subject: []Subject{commitSubject(host, w.Repo.Name, w.Ref, w.To)}, Predicate: &w}
}
