// Package graphql holds the part of GitHub's published GraphQL schema that this
// project speaks. README.md says where it comes from and how it was pruned.
package graphql

import _ "embed" // for the schema

// Schema is GitHub's schema, pruned to the fields listed in fields.txt.
//
//go:embed github.graphql
var Schema string
