package rules

import "slices"

// Admitted is what a command comes to. Either Wrong says why it is refused and Fix
// what to do instead, and nothing else is set; or what is set is to be carried out.
type Admitted struct {
	Wrong, Fix string
	// Note is to be told of a command that is carried out: what still blocks, or how
	// early approvals have to be given.
	Note string

	Hold *Hold  // comes into force
	Lift []Hold // are no longer in force
	// Exception is opened. Its Number is 0 until the caller gave it one.
	Exception *Exception
	// Closing reviews the exception of this Number.
	Closing *Closing
	Number  int
	// EffectiveAt is the value that the description's effective_at gets.
	EffectiveAt string
	// Ask are the teams, as @org/slug, and logins to ask for a review.
	Ask []string
}

// Refused reports whether the command is not to be carried out.
func (a *Admitted) Refused() bool { return a.Wrong != "" }

// Apply puts what was admitted among the facts of the change, by which it is judged
// from then on. An exception has its number by then.
func (a *Admitted) Apply(c *Change) {
	if len(a.Lift) > 0 {
		c.Holds = slices.DeleteFunc(slices.Clone(c.Holds), func(h Hold) bool { return slices.Contains(a.Lift, h) })
	}
	if a.Hold != nil {
		c.Holds = append(slices.Clone(c.Holds), *a.Hold)
	}
	if a.Exception != nil {
		c.Exceptions = append(slices.Clone(c.Exceptions), *a.Exception)
	}
	if a.Closing != nil {
		c.Exceptions = slices.Clone(c.Exceptions)
		for i := range c.Exceptions {
			if x := &c.Exceptions[i]; x.Number == a.Number {
				x.Closed = a.Closing
			}
		}
	}
}
