package rules

import (
	"archive/zip"
	_ "embed"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// zoneinfo is the IANA time zone database, release 2025c, as Go 1.26 ships it in
// lib/time/zoneinfo.zip; its data are in the public domain. The machine's own
// database is never asked: a policy must mean the same to the server that judged by
// it and to an auditor on another machine years later, so a new release comes only
// with a new version of ChangeGate.
//
//go:embed zoneinfo.zip
var zoneinfo string

// zoneFiles are the files of the database by zone.
var zoneFiles = sync.OnceValue(func() map[string]*zip.File {
	all := map[string]*zip.File{}
	r, err := zip.NewReader(strings.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		panic("read embedded time zones: " + err.Error()) // only a broken build comes here
	}
	for _, f := range r.File {
		all[f.Name] = f
	}
	return all
})

// loaded keeps each zone that was asked for: *time.Location by name.
var loaded sync.Map

// location returns a zone of the database by its exact name, nil for one it lacks.
func location(name string) *time.Location {
	if loc, ok := loaded.Load(name); ok {
		return loc.(*time.Location)
	}
	file := zoneFiles()[name]
	if file == nil {
		return nil
	}
	loc, err := readZone(file)
	if err != nil {
		return nil // a test reads every one of them
	}
	kept, _ := loaded.LoadOrStore(name, loc)
	return kept.(*time.Location)
}

func readZone(file *zip.File) (*time.Location, error) {
	r, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(file.Name, data)
}

// zoneOf loads an IANA zone by its full name. Abbreviations are refused although
// the database has some: CST is four zones, and CET a file that other systems
// read as a fixed offset. What stands before the name in its text is part of the
// suggestion, so that it can be pasted.
func zoneOf(before, name string) (loc *time.Location, wrong, fix string) {
	switch {
	case name == "UTC":
		return time.UTC, "", ""
	case !strings.Contains(name, "/"):
		wrong, fix = " is an abbreviation or unknown", "a full IANA name"
	default:
		if loc = location(name); loc != nil {
			return loc, "", ""
		}
		wrong, fix = " is unknown", "an IANA name"
	}
	like := zoneLike(name)
	if before != "" && isTime(before+like) {
		like = before + like
	}
	return nil, "time zone " + code(name) + wrong, fix + ", for example " + code(like)
}

// zoneNames are the full names of the database in order.
var zoneNames = sync.OnceValue(func() []string {
	var all []string
	for name := range zoneFiles() {
		if strings.Contains(name, "/") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
})

// zoneLike is the zone that was probably meant: its city alone is all that many
// people write. Nothing is near an abbreviation.
func zoneLike(name string) string {
	for _, zone := range zoneNames() {
		if _, city, _ := strings.Cut(zone, "/"); strings.EqualFold(city, name) {
			return zone
		}
	}
	if near := Nearest(name, zoneNames()); near != "" && len(name) > 7 {
		return near
	}
	return aZone
}
