package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whoever replaces the database writes its release into zones.go: all policies may
// mean another instant from then on.
func TestZonesAreOfTheRelease(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte(zoneinfo))
	if got := hex.EncodeToString(sum[:]); got != "8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8" {
		t.Errorf("zoneinfo.zip is %s, which is not release 2025c", got)
	}
}

func TestEveryZoneLoads(t *testing.T) {
	t.Parallel()
	if len(zoneNames()) < 500 {
		t.Fatalf("%d zones", len(zoneNames()))
	}
	for _, name := range zoneNames() {
		loc, wrong, _ := zoneOf("", name)
		if wrong != "" || loc.String() != name || loc != location(name) {
			t.Errorf("%s: %v %s", name, loc, wrong)
		}
	}
	for _, name := range []string{"Europe/Berlin ", "europe/berlin", "../Europe/Berlin", "Europe/", "/", "Europe/../Europe/Berlin", "right/UTC", "Local", ""} {
		if loc, wrong, fix := zoneOf("", name); loc != nil || wrong == "" || fix == "" {
			t.Errorf("%q is %v", name, loc)
		}
	}
}

// On a machine whose Berlin is New York, Berlin stays what it is. The machine's
// database is read once a process, so this needs one of its own.
func TestZonesOfTheMachineAreNotAsked(t *testing.T) {
	t.Parallel()
	if os.Getenv("FALSE_ZONES") != "" {
		machine, err := time.LoadLocation("Europe/Berlin")
		if _, offset := noon.In(machine).Zone(); err != nil || offset != -5*60*60 {
			t.Fatalf("the machine's zones are not falsified: %d %v", offset, err)
		}
		got, wrong, _ := ParseTime("2026-11-30 09:00 Europe/Berlin", nil)
		if wrong != "" || got.UTC().Hour() != 8 {
			t.Errorf("%v %s", got, wrong)
		}
		p := frozenBy(t, `name: x, start: "0 18 * * 5", lasts: 62h`)
		if w, _ := p.Freezes[0].window(noon); w.from.UTC().Hour() != 17 || clock(noon, p.Zone) != "Tue 2026-11-24 13:00 Europe/Berlin (12:00 UTC)" {
			t.Errorf("%v %s", w.from, clock(noon, p.Zone))
		}
		return
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "Europe"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Europe", "Berlin"), zoneData(t, "America/New_York"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "ZONEINFO="+dir, "FALSE_ZONES=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}

func zoneData(t *testing.T, name string) []byte {
	t.Helper()
	r, err := zoneFiles()[name].Open()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
