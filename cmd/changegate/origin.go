package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// origin is the name under which this server's logs sign. It is the host of the
// first --public-url and never changes afterwards, not even when the URL does:
// a log under another name would be another log, and no earlier bundle could be
// compared with it. With an empty host it is only read.
func origin(data, host string) (string, error) {
	path := filepath.Join(data, "origin")
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) || host == "" {
		return "", fmt.Errorf("read the log's name: %w", err)
	}
	if err := os.WriteFile(path, []byte(host+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the log's name: %w", err)
	}
	return host, nil
}

// pageKey reads the key behind the addresses of pages, made on the first start.
func pageKey(data string) ([]byte, error) {
	path := filepath.Join(data, "keys", "page.key")
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) >= 16:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("read page key %s: it has %d bytes, want 32; delete it to make another", path, len(key))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read page key: %w", err)
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make page key: %w", err)
	}
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("write page key: %w", err)
	}
	return key, nil
}
