package store

// Short is short, for tests.
var Short = short
