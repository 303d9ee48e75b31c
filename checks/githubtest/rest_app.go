package githubtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// appRoutes are for the App itself, signed in by its private key.
var appRoutes = map[string]handler{
	"GET /app":                                   func(r *request) (any, error) { return r.s.renderApp(r.s.app), nil },
	"GET /app/installations":                     listInstallations,
	"GET /app/installations/{id}":                getInstallation,
	"POST /app/installations/{id}/access_tokens": postToken,
	"GET /app/hook/deliveries":                   listDeliveries,
	"GET /app/hook/deliveries/{id}":              getDelivery,
	"POST /app/hook/deliveries/{id}/attempts":    postAttempt,
	"GET /orgs/{org}/installation":               getOrgInstallation,
}

func (r *request) installs() []*install {
	var list []*install
	for _, in := range r.s.installs {
		list = append(list, in)
	}
	slices.SortFunc(list, func(a, b *install) int { return int(a.id - b.id) })
	return list
}

func listInstallations(r *request) (any, error) {
	return each(page(r, r.installs()), r.s.renderInstall), nil
}

func (r *request) install() (*install, error) {
	id, err := r.number("id")
	if err != nil {
		return nil, err
	}
	for _, in := range r.s.installs {
		if in.id == id {
			return in, nil
		}
	}
	return nil, notFound
}

func getInstallation(r *request) (any, error) {
	in, err := r.install()
	if err != nil {
		return nil, err
	}
	return r.s.renderInstall(in), nil
}

func getOrgInstallation(r *request) (any, error) {
	in := r.s.installs[lower(r.PathValue("org"))]
	if in == nil {
		return nil, notFound
	}
	return r.s.renderInstall(in), nil
}

func getRepoInstallation(r *request) (any, error) {
	in := r.s.installs[lower(r.PathValue("owner"))]
	repo := r.s.repos[lower(r.PathValue("owner")+"/"+r.PathValue("repo"))]
	if in == nil || repo == nil || !in.covers(repo) {
		return nil, notFound
	}
	return r.s.renderInstall(in), nil
}

// postToken hands out an installation token, for all repositories or fewer.
func postToken(r *request) (any, error) {
	in, err := r.install()
	if err != nil {
		return nil, err
	}
	var q struct {
		Repositories  []string
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil && !errors.Is(err, io.EOF) {
		return nil, failure{400, "Problems parsing JSON"}
	}
	for name := range q.Permissions {
		if _, granted := in.permissions[name]; !granted {
			return nil, failure{422, "The permissions requested are not granted to this installation."}
		}
	}
	ids := q.RepositoryIDs
	for _, repo := range r.s.covered(in) {
		if slices.Contains(q.Repositories, repo.name) {
			ids = append(ids, repo.id)
		}
	}
	value, t := r.s.newToken(in, ids)
	return answer{201, fields{
		"token": value, "expires_at": stamp(t.expires), "permissions": t.permissions, "repository_selection": "all",
	}, nil}, nil
}

// listDeliveries gives the newest first; its cursor is the id to go on below.
func listDeliveries(r *request) (any, error) {
	below, err := strconv.ParseInt(r.URL.Query().Get("cursor"), 10, 64)
	var list []*delivery
	for _, d := range slices.Backward(r.s.deliveries) {
		if err != nil || d.ID < below {
			list = append(list, d)
		}
	}
	if size := r.perPage(); len(list) > size {
		list = list[:size]
		next := r.address("cursor", strconv.FormatInt(list[size-1].ID, 10))
		r.link = fmt.Sprintf(`<%s>; rel="next"`, next)
	}
	return each(list, r.s.renderDelivery), nil
}

func getDelivery(r *request) (any, error) {
	id, err := r.number("id")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.s.deliveries, func(d *delivery) bool { return d.ID == id })
	if i < 0 {
		return nil, notFound
	}
	d := r.s.deliveries[i]
	headers := fields{}
	for name, values := range r.s.hookHeader(d) {
		headers[name] = strings.Join(values, ", ")
	}
	out := r.s.renderDelivery(d)
	out["url"] = r.s.app.hook
	out["request"] = fields{"headers": headers, "payload": json.RawMessage(d.Payload)}
	out["response"] = fields{"headers": fields{}, "payload": string(d.Answer)}
	return out, nil
}

func postAttempt(r *request) (any, error) {
	id, err := r.number("id")
	if err != nil {
		return nil, err
	}
	if !r.s.redeliver(id) {
		return nil, notFound
	}
	return answer{202, fields{}, nil}, nil
}
