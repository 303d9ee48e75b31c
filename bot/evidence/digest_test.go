package evidence_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/rules"
)

// What a verdict says beside what it decided. Every other field is part of the
// digest: one that a later version of the rules adds is, or it has to be named here.
var wording = []string{
	".Title", ".Findings.Says", ".Findings.Fix", ".Findings.Short",
	".Approvals.By.Login", ".Approvals.By.Bot", ".Turned.By.Login", ".Turned.By.Bot", ".Turned.Why",
}

// filled is a verdict in which every field can be set.
func filled() rules.Verdict {
	return rules.Verdict{
		Findings: make([]rules.Finding, 1), Turned: make([]rules.Turned, 1),
		Approvals: make([]rules.Approved, 1), Governed: []rules.Governed{{Groups: []string{""}}},
	}
}

func TestVerdictDigestCoversWhatWasDecided(t *testing.T) {
	t.Parallel()
	zero := digest(t, filled())
	var seen []string
	each(t, "", func(v *rules.Verdict) reflect.Value { return reflect.ValueOf(v).Elem() }, func(path string, v rules.Verdict) {
		seen = append(seen, path)
		if moves, words := digest(t, v) != zero, slices.Contains(wording, path); moves == words {
			t.Errorf("setting %s changes the digest: %t", path, moves)
		}
	})
	for _, path := range wording {
		if !slices.Contains(seen, path) {
			t.Errorf("%s is no field of a verdict", path)
		}
	}
	if len(seen) < 25 {
		t.Errorf("only %d fields were tried", len(seen))
	}
}

// each calls try with a filled verdict for every field below at, that field set.
func each(t *testing.T, path string, at func(*rules.Verdict) reflect.Value, try func(string, rules.Verdict)) {
	v := filled()
	switch f := at(&v); {
	case f.Kind() == reflect.Slice:
		each(t, path, func(v *rules.Verdict) reflect.Value { return at(v).Index(0) }, try)
	case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
		for i := range f.NumField() {
			each(t, path+"."+f.Type().Field(i).Name, func(v *rules.Verdict) reflect.Value { return at(v).Field(i) }, try)
		}
	default:
		set(t, path, f)
		try(path, v)
	}
}

func set(t *testing.T, path string, f reflect.Value) {
	t.Helper()
	switch f.Kind() {
	case reflect.String:
		f.SetString("x")
	case reflect.Int, reflect.Int64:
		f.SetInt(1)
	case reflect.Bool:
		f.SetBool(true)
	case reflect.Struct:
		f.Set(reflect.ValueOf(start))
	case reflect.Pointer: // what else the rollback is of stands in the facts
		f.Set(reflect.ValueOf(&rules.Undo{Plan: rules.Plan{Change: 1}}))
	default:
		t.Fatalf("%s is of kind %s", path, f.Kind())
	}
}

func digest(t *testing.T, v rules.Verdict) string {
	t.Helper()
	d, err := evidence.VerdictDigest(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestVerdictDigestIgnoresZones(t *testing.T) {
	t.Parallel()
	in := func(at time.Time) rules.Verdict {
		return rules.Verdict{Next: at, Findings: []rules.Finding{{Until: at}}, Approvals: []rules.Approved{{At: at}}}
	}
	if digest(t, in(start)) != digest(t, in(start.In(time.FixedZone("CET", 3600)))) {
		t.Error("one instant in two zones has two digests")
	}
}

// A bundle that spans an upgrade of the messages, or was made where the zones have
// other rules, is performed again all the same, and the report says that it reads
// differently. What was decided otherwise is found, with the versions named.
func TestReperformAcrossVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, again := decided(1, true, hour(1)), decided(2, true, hour(2))
	old.Engine = "1.0"
	old.Verdict.Title = "Ready: one approval"
	old.Verdict.Findings[0].Says, old.Verdict.Findings[0].Fix = "until Mon 09:00 CET", "wait"
	w.append(decision(t, old), hour(1))
	w.append(decision(t, again), hour(2))
	bundle := w.export(query())
	rep := verify(bundle, func(o *evidence.VerifyOptions) { o.Engine = "test" })
	i := slices.IndexFunc(rep.Checks, func(c evidence.Check) bool { return c.Name == "decisions" })
	const says = `2 decided again from their facts, each with the recorded verdict; 1 of them by other versions than this, "test"; the titles of 1 would read differently today`
	if !rep.Verified || rep.Checks[i].Says != says {
		t.Errorf("%+v", rep.Checks[i])
	}
	stricter := func(o *evidence.VerifyOptions) {
		o.Engine = "2.0"
		o.Judge = func(policy []byte, c *rules.Change, now time.Time) rules.Verdict {
			v := judge(policy, c, now)
			v.State = rules.Waiting
			return v
		}
	}
	mustFail(t, verify(bundle, stricter), "decisions", `it was decided by version "1.0", this is "2.0"`)
	if rep := verify(bundle, func(o *evidence.VerifyOptions) { o.Engine = "1.0" }); !strings.Contains(rep.Checks[i].Says, `1 of them by other versions than this, "1.0"`) {
		t.Errorf("%+v", rep.Checks[i])
	}
}
