// Command demo tells ChangeGate's whole story on one machine, with no account and
// no network: a make-believe GitHub, the real bot, an engineer, a reviewer, an
// administrator in a hurry, and an auditor. It prints every check run as a
// reviewer would see it, ends by itself, and exits 0 only if every step went as
// told.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := tell(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
