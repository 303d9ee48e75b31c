package evidence

import "runtime/debug"

// Engine names the rules of this program, as records and reports name them: the
// commit it was built from, else the module's version.
func Engine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return info.Main.Version
}
