package vectors

// A T is what Test needs of a *testing.T. It is declared here so that programs
// which only run vectors do not carry package testing.
type T[S any] interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Run(name string, test func(S)) bool
}

// Test runs a vector file or folder as subtests of t, a *testing.T: one for
// each file and below it one for each case.
func Test[S T[S]](t S, path string, files Files) {
	t.Helper()
	for r := range Run([]string{path}, files) {
		t.Run(r.File, func(t S) {
			t.Helper()
			for _, c := range r.Cases {
				t.Run(c.Name, func(t S) { tell(t, c) })
			}
		})
	}
}

func tell[S T[S]](t S, c Case) {
	t.Helper()
	if reason, ok := c.Skipped(); ok {
		t.Logf("skipped: %s", reason)
	} else if c.Failed() {
		f := c.Failure()
		t.Errorf("want %s\ngot  %s", f.Want, f.Got)
	}
}
