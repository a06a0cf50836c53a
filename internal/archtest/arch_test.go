package archtest

import (
	"regexp"
	"slices"
	"testing"
)

// A rule says what the packages that match its pattern may import of this
// module. Patterns are those of path.Match; "/..." at the end stands for
// everything below and the name itself. The first rule that matches counts.
type rule struct {
	pattern string
	may     []string
}

// The groups of the rules.
func kit() []string {
	return []string{"internal/wire", "internal/loop", "internal/limit", "internal/health", "internal/netx", "internal/vectors"}
}

func protocols() []string { return []string{"tox", "skype", "skynet", "blubbel"} }

func services() []string { // each may import those before it
	return []string{"metrics", "config", "bus", "blob", "store", "account", "mail", "push"}
}

func testsOnly() []string { return []string{"internal/store/storetest", "internal/bus/bustest"} }

// rules is the table of the arrows, from the kit to the top.
func rules() []rule {
	var all []rule
	for _, k := range kit() {
		all = append(all, rule{k, nil})
	}
	all = append(all, rule{"internal/simnet", []string{"internal/loop"}})
	all = append(all, protocolRules()...)
	all = append(all, rule{"internal/network", []string{"internal/health"}})
	all = append(all, serviceRules()...)
	all = append(all, productRules()...)
	return append(all,
		rule{"internal/archtest", nil},
		rule{"interop/...", []string{"..."}},
		rule{"packaging/...", nil}, // programs that a release runs
		rule{"tools/...", nil},     // programs that a developer runs
	)
}

// protocolRules keeps the protocols apart. Roles stand in the order of layout:
// each may import those above it.
func protocolRules() []rule {
	roles := map[string][]string{
		"tox":   {"dht", "relay", "onion", "session", "messenger", "conference", "group", "av", "save", "genesis"},
		"skype": {"node", "login", "event", "directory", "relay"},
	}
	var all []rule
	for _, p := range protocols() {
		base := []string{p, p + "/wire"}
		all = append(all,
			rule{p, nil},
			rule{p + "/wire", []string{p, "internal/wire"}},
		)
		for _, role := range roles[p] {
			all = append(all, rule{p + "/" + role, slices.Concat(base, kit())})
			base = append(slices.Clone(base), p+"/"+role)
		}
		all = append(all,
			rule{p + "/*", slices.Concat([]string{p + "/..."}, kit())},
			rule{"internal/network/" + p, slices.Concat([]string{"internal/network", p + "/..."}, below(services()), kit())},
			rule{"internal/vectors/" + p, slices.Concat([]string{p + "/...", "internal/simnet"}, kit())},
		)
	}
	return all
}

func serviceRules() []rule {
	var all []rule
	for _, s := range testsOnly() {
		all = append(all, rule{s, slices.Concat(below(services()), kit())})
	}
	for i, s := range services() {
		own := "internal/" + s + "/..."
		all = append(all, rule{own, slices.Concat([]string{own}, below(services()[:i]), kit())})
	}
	return all
}

// below writes services as paths.
func below(names []string) []string {
	var paths []string
	for _, s := range names {
		paths = append(paths, "internal/"+s, "internal/"+s+"/sqlite", "internal/"+s+"/postgres", "internal/"+s+"/nats")
	}
	return paths
}

func productRules() []rule {
	public := []string{}
	for _, p := range protocols() {
		public = append(public, p+"/...")
	}
	product := slices.Concat([]string{"internal/network"}, below(services()), kit())
	instrument := slices.Concat(public, kit(), []string{"internal/vectors/*"})
	beneathServer := slices.Concat(product, public, instrument, []string{
		"internal/network/*", "internal/bridge", "internal/console", "internal/webchat",
		"internal/chat", "internal/peer", "internal/inspect", "internal/sim", "internal/bench/...",
	})
	return []rule{
		{"internal/bridge", product},
		{"internal/console", append(slices.Clone(product), "internal/bridge")},
		{"internal/webchat", append(slices.Clone(product), "internal/bridge", "internal/console")},
		{"internal/chat/...", append(slices.Clone(instrument), "internal/chat/...")},
		{"internal/peer/...", append(slices.Clone(instrument), "internal/peer/...")},
		{"internal/inspect/...", append(slices.Clone(instrument), "internal/inspect/...")},
		{"internal/sim/...", append(slices.Clone(instrument), "internal/sim/...", "internal/simnet")},
		{"internal/bench/...", append(slices.Clone(instrument), "internal/bench/...", "internal/store", "internal/store/sqlite", "internal/store/postgres")},
		{"internal/server", beneathServer},
		{"internal/cli", append(slices.Clone(beneathServer), "internal/server")},
		{"cmd/trunkline", []string{"internal/cli"}},
	}
}

// inTests is what tests of any package may import beside what their package may.
func inTests() []string {
	return append(testsOnly(), "internal/simnet", "internal/vectors", "internal/vectors/*")
}

// A library is a module outside the standard library, and where it may be
// imported. What belongs to tests is in no package's own code.
type library struct {
	prefix string
	in     []string
}

// libraries is the table of dependencies; one that is not here fails. Patterns
// are those of the rules.
func libraries() []library {
	return []library{
		{"golang.org/x/crypto", []string{"..."}},
		{"golang.org/x/net", []string{"..."}},
		{"golang.org/x/sys", []string{"..."}},
		{"golang.org/x/sync", []string{"internal/..."}},
		{"golang.org/x/term", []string{"internal/cli", "internal/chat/..."}},
		{"github.com/BurntSushi/toml", []string{"internal/config"}},
		{"github.com/alecthomas/kong", []string{"internal/cli"}},
		{"github.com/prometheus/client_golang", []string{"internal/metrics"}},
		{"charm.land", []string{"internal/chat/..."}},
		{"github.com/google/go-cmp", nil},
		{"github.com/rogpeppe/go-internal", nil},
		{"pgregory.net/rapid", nil},
	}
}

// publicBudget is what the public packages and the kit may depend on, however
// far away, beside the standard library, their own protocol and the kit.
func publicBudget() []string {
	return []string{"golang.org/x/crypto/...", "golang.org/x/net/...", "golang.org/x/sys/..."}
}

// notInBinary is what the program must not carry.
func notInBinary() []string {
	return []string{
		"testing/...",
		"net/http/httptest",
		"github.com/google/go-cmp/...",
		"github.com/rogpeppe/go-internal/...",
		"pgregory.net/rapid/...",
		"github.com/nats-io/nats-server/...",
		"internal/simnet/testing",
	}
}

// variables are the package-level variables that are neither errors, pools,
// embedded files nor values computed once, and why each may be: nobody changes
// it, and Go has no constant of its type.
func variables() map[string]string {
	return map[string]string{
		"blubbel/key.go derHead":            "bytes 4 to 20 of every DER key; an array that is only compared with",
		"internal/limit/class.go classBits": "the prefix lengths of the classes; a table that is only read",
	}
}

// A saying is a pattern that no file may contain. Every place where it matches
// holds hint, in lower case: looking for that first is much quicker.
type saying struct {
	hint    string
	pattern *regexp.Regexp
}

// forbidden is what no committed file may say: the repository stands alone, and
// points to no folder beside it. The words are put together so that this file
// passes.
func forbidden() []saying {
	folder := "shar" + "ed"
	return []saying{
		{"../" + folder, regexp.MustCompile(`\.\./` + folder + `\b`)},
		{folder + "/", regexp.MustCompile(`\b` + folder + `/(design|specs|vectors|bench|seeds|interop|netlab|lab)\b`)},
	}
}

func TestArrowsPointDown(t *testing.T) {
	t.Parallel()
	for _, v := range arrows(listPackages(t), rules(), inTests()) {
		t.Error(v)
	}
}

func TestLibrariesAreImportedOnlyWhereTheyBelong(t *testing.T) {
	t.Parallel()
	for _, v := range strayLibraries(listPackages(t), libraries()) {
		t.Error(v)
	}
}

func TestPublicPackagesAndTheKitStayInTheirBudget(t *testing.T) {
	t.Parallel()
	for _, v := range overBudget(listPackages(t), protocols(), append(kit(), "internal/simnet"), publicBudget()) {
		t.Error(v)
	}
}

func TestTheProgramCarriesNothingOfTests(t *testing.T) {
	t.Parallel()
	for _, v := range carried(listPackages(t), "cmd/trunkline", notInBinary()) {
		t.Error(v)
	}
}

func TestNoFileNeedsCOrRunsCodeBeforeMain(t *testing.T) {
	t.Parallel()
	files := goFiles(t)
	if len(files) < 50 {
		t.Fatalf("found only %d Go files below %s", len(files), root)
	}
	for _, f := range files {
		for _, v := range inSource(f.name, f.text, variables()) {
			t.Error(v)
		}
	}
}

func TestCommittedFilesSpeakOnlyOfTheProject(t *testing.T) {
	t.Parallel()
	for _, f := range committedFiles(t) {
		for _, v := range says(f.name, f.text, forbidden()) {
			t.Error(v)
		}
	}
}
