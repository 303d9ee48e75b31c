package checks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"changegate/rules"
)

// comparisonFiles is how many files a comparison lists at most (GitHub REST,
// "Compare two commits").
const comparisonFiles = 300

// A fileAnswer is a changed file as REST gives it. Its sha is that of the head.
type fileAnswer struct {
	SHA      string `json:"sha"`
	Filename string `json:"filename"`
	Previous string `json:"previous_filename"`
	Status   string `json:"status"`
	Patch    string `json:"patch"`
}

// A comparison is what two commits differ in, seen from where they parted.
type comparison struct {
	Status    string
	From      string // the commit that base resolved to
	MergeBase string
	Files     []fileAnswer
	// Commits are those in head but not in base, of which GitHub lists at most 250
	// here; Ahead is how many there are.
	Commits []listedCommit
	Ahead   int
}

type restPerson struct {
	ID    int64
	Login string
	Type  string
}

func (p *restPerson) person() rules.Person {
	if p == nil {
		return rules.Person{}
	}
	return rules.Person{ID: p.ID, Login: p.Login, Bot: p.Type == "Bot"}
}

var objectID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// compare asks for base...head. Between two commit ids the answer never changes
// and is remembered; an abbreviated id can only become ambiguous, which GitHub
// would refuse.
func (c *Client) compare(ctx context.Context, p Place, base, head string) (*comparison, error) {
	// Under compare/ stand answers of a version that did not keep the commits.
	key := fmt.Sprintf("comparison/%d/%s/%s", p.RepoID, base, head)
	fixed := abbreviated.MatchString(base) && objectID.MatchString(head)
	if data, ok := c.Cache.Get(ctx, key); ok && fixed {
		var d comparison
		if json.Unmarshal(data, &d) == nil {
			return &d, nil
		}
	}
	var answer struct {
		Status          string
		BaseCommit      struct{ SHA string } `json:"base_commit"`
		MergeBaseCommit struct{ SHA string } `json:"merge_base_commit"`
		TotalCommits    *int                 `json:"total_commits"`
		Files           []fileAnswer
		Commits         []*restCommit
	}
	path := fmt.Sprintf("repos/%s/compare/%s...%s", p.Repo, url.PathEscape(base), url.PathEscape(head))
	if _, err := c.get(ctx, p, path, &answer); err != nil {
		return nil, err
	}
	if answer.Status == "" || answer.MergeBaseCommit.SHA == "" || answer.TotalCommits == nil {
		return nil, fmt.Errorf("the comparison does not say how the commits relate, where they parted or how many there are")
	}
	if err := named(answer.Files); err != nil {
		return nil, err
	}
	d := &comparison{answer.Status, answer.BaseCommit.SHA, answer.MergeBaseCommit.SHA, answer.Files, commitsOf(answer.Commits), *answer.TotalCommits}
	if data, err := json.Marshal(d); err == nil && fixed && strings.HasPrefix(d.From, base) {
		c.Cache.Put(ctx, key, data)
	}
	return d, nil
}

// named refuses a list with a file that has no name: which group governs it could
// not be said.
func named(files []fileAnswer) error {
	for i, f := range files {
		if f.Filename == "" || f.Status == "" || f.Status == "renamed" && f.Previous == "" {
			return fmt.Errorf("file %d of %d has no name, former name or status", i+1, len(files))
		}
	}
	return nil
}

// bare reports whether neither content nor difference of some file is known: it
// would look the same at every commit.
func bare(files []rules.File) bool {
	return slices.ContainsFunc(files, func(f rules.File) bool { return f.Old == "" && f.New == "" && f.Diff == "" })
}

// rules is the list as the rules see it. The old blob's id is not in the answer;
// the digest of the patch stands for what it would say.
func (d *comparison) rules() []rules.File {
	var out []rules.File
	for _, f := range d.Files {
		r := rules.File{Path: f.Filename, OldPath: f.Previous, Status: f.Status, New: f.SHA}
		if f.Status == "removed" {
			r.Status, r.Old, r.New = "deleted", f.SHA, ""
		}
		if f.Patch != "" {
			sum := sha256.Sum256([]byte(f.Patch))
			r.Diff = hex.EncodeToString(sum[:])
		}
		out = append(out, r)
	}
	return out
}

func (d *comparison) patches() map[string]string {
	out := map[string]string{}
	for _, f := range d.Files {
		if f.Patch != "" {
			out[f.Filename] = f.Patch
		}
	}
	return out
}

// added returns the content of a file that a patch adds whole.
func (f *fileAnswer) added() (string, bool) {
	if f.Status != "added" || f.Patch == "" {
		return "", false
	}
	var b strings.Builder
	lines := strings.Split(f.Patch, "\n")
	if !strings.HasPrefix(lines[0], "@@ -0,0 +1") {
		return "", false
	}
	for i, line := range lines[1:] {
		switch {
		case strings.HasPrefix(line, "+"):
			b.WriteString(line[1:] + "\n")
		case line == `\ No newline at end of file`:
			text := b.String()
			return strings.TrimSuffix(text, "\n"), true
		case line == "" && i == len(lines)-2:
		default:
			return "", false
		}
	}
	return b.String(), true
}
