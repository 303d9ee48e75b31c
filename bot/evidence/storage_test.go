package evidence_test

import (
	"testing"

	"changegate/bot/evidence"
	"changegate/bot/evidence/evidencetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	evidencetest.TestStorage(t, func(*testing.T) evidence.Storage { return evidencetest.NewMemory() })
}
