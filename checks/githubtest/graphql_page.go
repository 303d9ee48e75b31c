package githubtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// connection is a page of a list as GraphQL gives it. The render function makes
// the node of an element, edge (nil if there is nothing) what else its edge holds.
func connection[T any](s *Server, kind string, a args, list []T, render func(T) node, edge func(T) fields) any {
	from, to, problem := s.window(a, len(list))
	if problem != nil {
		return *problem
	}
	shown := list[from:to]
	edgeKind := graphqlSchema().Types[kind].Fields.ForName("edges").Type.Name()
	return node{kind, fields{
		"totalCount": len(list), "filteredCount": len(list),
		"nodes": func(args) any {
			nodes := make([]node, len(shown))
			for i, v := range shown {
				nodes[i] = render(v)
			}
			return nodes
		},
		"edges": func(args) any {
			edges := make([]node, len(shown))
			for i, v := range shown {
				f := fields{}
				if edge != nil {
					f = edge(v)
				}
				f["cursor"], f["node"] = cursor(from+i), render(v)
				edges[i] = node{edgeKind, f}
			}
			return edges
		},
		"pageInfo": pageInfo(from, to, len(list)),
	}}
}

// counted is a connection that may end before what it counts.
func counted(all int, connection any) any {
	if n, ok := connection.(node); ok {
		n.fields["totalCount"] = all
	}
	return connection
}

func pageInfo(from, to, all int) node {
	f := fields{"hasNextPage": to < all, "hasPreviousPage": from > 0, "startCursor": nil, "endCursor": nil}
	if to > from {
		f["startCursor"], f["endCursor"] = cursor(from), cursor(to-1)
	}
	return node{"PageInfo", f}
}

func cursor(i int) string {
	return base64.StdEncoding.EncodeToString(fmt.Append(nil, "cursor:", i))
}

// position reads a cursor back; ok is false when none was given.
func position(a args, name string) (i int, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(a.text(name))
	if err != nil {
		return 0, false
	}
	i, err = strconv.Atoi(strings.TrimPrefix(string(raw), "cursor:"))
	return i, err == nil
}

// window is the part of a list of n that a field's arguments ask for. GitHub
// wants a first or last of 1 to 100.
func (s *Server) window(a args, n int) (from, to int, problem *graphqlError) {
	first, last := count(a, "first"), count(a, "last")
	switch {
	case first == 0 && last == 0:
		return 0, 0, &graphqlError{Type: "MISSING_PAGINATION_BOUNDARIES", Message: fmt.Sprintf(
			"You must provide a `first` or `last` value to properly paginate the `%s` connection.", a.field)}
	case max(first, last) > 100:
		return 0, 0, &graphqlError{Type: "EXCESSIVE_PAGINATION", Message: fmt.Sprintf(
			"Requesting %d records on the `%s` connection exceeds the `first` limit of 100 records.", max(first, last), a.field)}
	}
	from, to = 0, n
	if i, ok := position(a, "after"); ok {
		from = min(i+1, n)
	}
	if i, ok := position(a, "before"); ok {
		to = max(from, min(i, n))
	}
	size := max(first, last)
	if limit := s.options.PageSize; limit > 0 {
		size = min(size, limit)
	}
	if first > 0 {
		return from, min(to, from+size), nil
	}
	return max(from, to-size), to, nil
}

func count(a args, name string) int {
	switch v := a.values[name].(type) {
	case int64:
		return int(v)
	case int:
		return v
	case float64:
		return int(v)
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			return 0
		}
		return int(n)
	}
	return 0
}
