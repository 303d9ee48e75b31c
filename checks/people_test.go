package checks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestCoAuthors(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Fix\n\nCo-authored-by: Dev Two <1234+dev2@users.noreply.github.com>":                  "1234 dev2;0",
		"Fix\n\nco-authored-by: Dev <dev2@users.noreply.github.com>\r\nSigned-off-by: x <y@z>": "0 dev2;0",
		"Fix\n\nCo-authored-by: a bot <5+agent[bot]@users.noreply.github.com>":                 "5 agent[bot];0",
		"Fix\n\nCo-authored-by: Dev <6+dev2@USERS.noreply.ghes.example>":                       "6 dev2;0",
		"Fix\n\nCo-authored-by: Dev <7+dev2_acme@users.noreply.github.com>":                    "7 dev2_acme;0",
		"Fix\n\nCo-authored-by: Assistant <noreply@vendor.example>":                            ";1",
		"Fix\n\nCo-authored-by: Dev <6+dev2@users.noreply.other.example>":                      ";1",
		"Co-authored-by: Dev <9+dev2@users.noreply.github.com>\n\nnot the last paragraph":      ";0",
		"Fix\n\nCo-authored-by: Dev <9+dev2@users.noreply.github.com.evil.example>":            ";1",
		"Fix\n\nCo-authored-by: Dev <99999999999999999999+dev2@users.noreply.github.com>":      ";1",
		"Fix\n\nCo-authored-by: Dev without an address":                                        ";0",
		"Fix\n\nCo-authored-by: <>": ";0",
		"Fix\n\nCo-authored-by: " + strings.Repeat("x", maxTrailer) + " <a@b>": ";0",
	} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return 500, "" }}
		found := dialled(t, "https://ghes.example:8443", w).coAuthors(message)
		got := ""
		for _, p := range found.named {
			got += fmt.Sprintf("%d %s", p.ID, p.Login)
		}
		if got += fmt.Sprintf(";%d", found.others); got != want {
			t.Errorf("%.200q names %q, want %q", message, got, want)
		}
	}
}
