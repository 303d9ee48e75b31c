package githubtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHistoryOfAPath has what git log -- PATH lists: the commit on a branch, not the
// merge that brought it as it was.
func TestHistoryOfAPath(t *testing.T) {
	t.Parallel()
	contract := NewContract()
	s := New(Options{Contract: contract})
	t.Cleanup(s.Close)
	s.Org("acme")
	s.User("dev1")
	s.Install("acme")
	r := s.Repo("acme/agents", Files{"a/b.yml": "one\n", "c": "1\n"})
	r.Role("dev1", "write")
	first := r.Head("main")
	p := r.Open("dev1", PR{Files: Files{"a/b.yml": "two\n"}})
	second := p.Head()
	r.Push("dev1", "main", Files{"c": "2\n"})
	p.Merge("dev1", "merge")
	gone := r.Push("dev1", "main", nil, Commit{Remove: []string{"a/b.yml"}})
	r.Branch("side", "main")
	r.Push("dev1", "side", Files{"d": "1\n"})
	r.Push("dev1", "main", Files{"c": "3\n"})
	r.Merge("dev1", "main", "side", Commit{})
	back := r.Push("dev1", "main", Files{"a/b.yml": "one\n"})
	data, problems := ask(t, s, `{ repository(owner: "acme", name: "agents") { object(expression: "main") { ... on Commit {
		history(first: 3, path: "a/b.yml") { totalCount pageInfo { hasNextPage } nodes { oid file(path: "a/b.yml") { name path oid object { ... on Blob { text } } } } }
		whole: history(first: 1) { nodes { oid file(path: "none") { name } } }
		folder: history(first: 9, path: "a") { nodes { oid } }
	} } } }`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := data["repository"].(map[string]any)["object"].(map[string]any)
	named := func(nodes any) (out []string) {
		for _, n := range nodes.(map[string]any)["nodes"].([]any) {
			out = append(out, n.(map[string]any)["oid"].(string))
		}
		return out
	}
	history := got["history"].(map[string]any)
	if diff := cmp.Diff([]string{back, gone, second}, named(history)); diff != "" {
		t.Errorf("first page (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{back, gone, second, first}, named(got["folder"])); diff != "" {
		t.Errorf("the folder (-want +got):\n%s", diff)
	}
	if history["totalCount"] != float64(4) || history["pageInfo"].(map[string]any)["hasNextPage"] != true {
		t.Errorf("%v", history)
	}
	nodes := history["nodes"].([]any)
	want := map[string]any{"name": "b.yml", "path": "a/b.yml", "oid": nodes[2].(map[string]any)["file"].(map[string]any)["oid"], "object": map[string]any{"text": "two\n"}}
	if diff := cmp.Diff(want, nodes[2].(map[string]any)["file"]); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if nodes[1].(map[string]any)["file"] != nil {
		t.Errorf("a deleted file is there: %v", nodes[1])
	}
	for _, v := range contract.Violations() {
		t.Error(v)
	}
}
