// Package openapi holds the part of GitHub's published OpenAPI description that
// this project speaks. README.md says where it comes from and how it was pruned.
package openapi

import _ "embed" // for the description

// Document is GitHub's OpenAPI description as JSON, pruned to the operations
// listed in operations.txt.
//
//go:embed api.github.com.json
var Document []byte
