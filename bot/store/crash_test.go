package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"changegate/bot/store"
	"changegate/checks"
)

// childDir names the environment variable that makes the test binary a process
// which receives deliveries in that directory until it is killed.
const childDir = "STORE_TEST_CHILD_DIR"

// child prints each delivery id once its Receive returned.
func child(dir string) int {
	s, err := store.Open(context.Background(), dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var all sync.WaitGroup
	for c := range 8 {
		all.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", c, i)
				d := store.Delivery{ID: id, Event: "pull_request", Action: "synchronize", At: noon}
				if _, err := s.Receive(context.Background(), d, []checks.Wake{pull(i%5 + 1)}, noon); err != nil {
					fmt.Println(err)
					return
				}
				fmt.Println(id)
			}
		})
	}
	all.Wait()
	return 1
}

// TestKill9 kills a process in the middle of its deliveries: what it acknowledged
// is there, once, and every delivery that is there has its job. While it lived,
// nobody else could open its directory.
func TestKill9(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	acknowledged := killed(t, dir, 1000)
	s := openIn(t, dir)
	for _, id := range acknowledged {
		if fresh, err := s.Receive(t.Context(), store.Delivery{ID: id, Event: "again"}, nil, noon); fresh || err != nil {
			t.Errorf("acknowledged delivery %s is lost (%v)", id, err)
		}
	}
	raised := 0
	for j := claim(t, s, noon); j != nil; j = claim(t, s, noon) {
		raised += int(j.Gen)
	}
	if stored := count(t, dir, "delivery"); stored != raised || stored < len(acknowledged) {
		t.Errorf("%d deliveries are stored and raised jobs %d times; %d were acknowledged", stored, raised, len(acknowledged))
	}
}

// killed runs a child on dir until it has acknowledged n deliveries, kills it
// and returns all it acknowledged.
func killed(t *testing.T, dir string, n int) (acknowledged []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		switch len(acknowledged) {
		case 1:
			refused(t, dir)
		case n:
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // says that it was killed
	if len(acknowledged) < n {
		t.Fatalf("the child ended after %d deliveries: %v", len(acknowledged), acknowledged)
	}
	return acknowledged
}

func refused(t *testing.T, dir string) {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err == nil {
		t.Error("a directory that another process has open was opened")
		_ = s.Close()
		return
	}
	if !strings.Contains(err.Error(), "another ChangeGate process has it open") {
		t.Errorf("refused with %q, which does not say why", err)
	}
}
