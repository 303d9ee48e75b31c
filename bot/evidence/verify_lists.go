package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// merged checks of every merge in the log, of whatever period, that it names the
// decision in force and says of it what is true.
func (v *verifier) merged() (Result, string, error) {
	for _, m := range v.selected.merges {
		index, d := v.selected.inForce(m)
		want := *m.ChangeMerged
		want.Explain(index, d)
		if err := v.selected.timed(m, index, &want); err != nil {
			return "", "", err
		}
		if want != *m.ChangeMerged {
			return "", "", fmt.Errorf("record %d says decision %.20q (%.20q, explained %t) was in force for %.100s#%d, the log says %q (%q, explained %t)",
				m.index, m.Decision, m.State, m.Explained, m.Repo.Name, m.Number, want.Decision, want.State, want.Explained)
		}
		if err := v.outlived(m, index); err != nil {
			return "", "", fmt.Errorf("record %d: %w", m.index, err)
		}
	}
	return Pass, fmt.Sprintf("%s merges name the decision that was in force", thousands(len(v.selected.merges))), nil
}

// outlived checks whether the decision that a merge rests on had ended, where its facts
// are in the bundle. A record of an earlier version does not say it.
func (v *verifier) outlived(m merge, index int64) error {
	if !m.Explained && m.Ended == "" || !v.selected.picked[index] || m.ReadyAt.IsZero() {
		return nil
	}
	facts, err := v.read(sideFile(index), MaxSide)
	if err != nil {
		return err
	}
	ended, err := Outlived(v.o.Judge, facts, m.MergedAt)
	if err == nil && ended != m.Ended {
		err = fmt.Errorf("it says %q of when the decision on %.100s#%d ended, its facts give %q", m.Ended, m.Repo.Name, m.Number, ended)
	}
	return err
}

// timed checks when a merge was planned and ready. A record of an earlier version
// says neither.
func (s *selection) timed(m merge, index int64, want *ChangeMerged) error {
	if m.EffectiveAt.IsZero() && m.ReadyAt.IsZero() {
		want.EffectiveAt = time.Time{}
		return nil
	}
	want.ReadyAt = ReadySince(want, s.back(pull{m.Repo.ID, m.Number}, index))
	if !m.EffectiveAt.Equal(want.EffectiveAt) || !m.ReadyAt.Equal(want.ReadyAt) {
		return fmt.Errorf("record %d says %.100s#%d was planned for %q and ready at %q, the log says %q and %q",
			m.index, m.Repo.Name, m.Number, stamp(m.EffectiveAt), stamp(m.ReadyAt), stamp(want.EffectiveAt), stamp(want.ReadyAt))
	}
	want.EffectiveAt, want.ReadyAt = m.EffectiveAt, m.ReadyAt
	return nil
}

// lists writes population, exceptions, emergencies and coverage again and compares.
func (v *verifier) lists() (Result, string, error) {
	files, err := v.selected.tables()
	if err != nil {
		return "", "", err
	}
	for _, f := range files {
		got, err := v.read(f.name, maxTable)
		if err != nil {
			return "", "", err
		}
		if err := sameLines(got, f.data); err != nil {
			return "", "", fmt.Errorf("%s %w", f.name, err)
		}
	}
	c := v.selected.counts()
	return Pass, fmt.Sprintf("%s changes, %s exceptions: the lists say what the records say", thousands(c.Population), thousands(c.Exceptions)), nil
}

func sameLines(got, want []byte) error {
	g, w := bytes.NewBuffer(got), bytes.NewBuffer(want)
	for n := 1; ; n++ {
		a, errA := g.ReadBytes('\n')
		b, errB := w.ReadBytes('\n')
		if !bytes.Equal(a, b) {
			return fmt.Errorf("line %d is %.200q, the records give %.200q", n, a, b)
		}
		if errors.Is(errA, io.EOF) || errors.Is(errB, io.EOF) {
			return nil
		}
	}
}

// coverage checks that the sweeps of each branch, over the whole log, leave no
// gap and count every commit as explained or not.
func (v *verifier) coverage() (Result, string, error) {
	type branch struct {
		repo int64
		ref  string
	}
	last := map[branch]sweep{}
	for _, w := range v.selected.sweeps {
		if w.Commits != w.Attributed+w.Unattributed || w.Attributed < 0 || w.Unattributed < 0 {
			return "", "", fmt.Errorf("record %d sweeps %d commits, %d explained and %d not", w.index, w.Commits, w.Attributed, w.Unattributed)
		}
		key := branch{w.Repo.ID, w.Ref}
		if before, ok := last[key]; ok && before.To != w.From {
			return "", "", fmt.Errorf("record %d sweeps %.100s %.100s from %.64s, the sweep before it (record %d) ended at %.64s",
				w.index, w.Repo.Name, w.Ref, w.From, before.index, before.To)
		}
		last[key] = w
	}
	return Pass, fmt.Sprintf("%s sweeps of %s branches, each beginning where the last ended", thousands(len(v.selected.sweeps)), thousands(len(last))), nil
}
