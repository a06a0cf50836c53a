package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"trunkline/blubbel"
	"trunkline/internal/simnet"
)

// relayName is what the timeline calls the relay.
const relayName = "relay"

// Words for several clients in who and to.
const (
	everybody = "*"
	anybody   = "?" // one, by chance
)

func natKinds() map[string]simnet.Kind {
	return map[string]simnet.Kind{
		"full-cone":       simnet.FullCone(),
		"restricted":      simnet.Restricted(),
		"port-restricted": simnet.PortRestricted(),
		"symmetric":       simnet.Symmetric(),
	}
}

func keyForms() map[string]blubbel.Form {
	return map[string]blubbel.Form{"der": blubbel.DER, "raw": blubbel.Raw}
}

func ways() []string      { return []string{"both", "up", "down"} }
func meddlings() []string { return []string{"drop", "repeat", "swap", "damage"} }

// A rule says what an action is about and which of its fields it has.
type rule struct {
	who      string   // what Who names: "clients", "boxes" (clients, NATs, relay), "hosts" (clients, relay), "nats", ""
	to       bool     // To names clients
	required []string // beside Who and To
	optional []string // beside At, Do, Times, Each
	do       func(r *run, a *Action)
}

// rules is the table of actions.
func rules() map[string]rule {
	return map[string]rule{
		"add":      {who: "clients", to: true, do: (*run).actAdd},
		"accept":   {who: "clients", to: true, do: (*run).actAccept},
		"remove":   {who: "clients", to: true, do: (*run).actRemove},
		"block":    {who: "clients", to: true, do: (*run).actBlock},
		"send":     {who: "clients", to: true, optional: []string{"count", "every", "bytes"}, do: (*run).actSend},
		"leave":    {who: "clients", optional: []string{"for"}, do: (*run).actLeave},
		"takeover": {who: "clients", do: (*run).actTakeover},
		"hangup":   {who: "clients", do: (*run).actHangup},
		"stall":    {who: "clients", optional: []string{"for"}, do: (*run).actStall},
		"crash":    {who: "hosts", optional: []string{"for"}, do: (*run).actCrash},
		"return":   {who: "hosts", do: (*run).actReturn},
		"clock":    {who: "hosts", required: []string{"by"}, do: (*run).actClock},
		"cut":      {who: "boxes", optional: []string{"for", "way"}, do: (*run).actCut},
		"heal":     {who: "boxes", do: (*run).actHeal},
		"line":     {who: "boxes", required: []string{"line"}, do: (*run).actLine},
		"renumber": {who: "boxes", do: (*run).actRenumber},
		"flush":    {who: "nats", do: (*run).actFlush},
		"meddle":   {who: "clients", to: true, required: []string{"what"}, optional: []string{"count"}, do: (*run).actMeddle},
		"calm":     {do: (*run).actCalm},
	}
}

// checker collects what is wrong with a scenario.
type checker struct {
	s        *Scenario
	problems Problems
	kinds    map[string]string // of every name: client, group, nat, relay
	texts    int
}

// Check returns all that is wrong with the values of a scenario, as [Problems],
// or nil.
func (s *Scenario) Check() error {
	c := &checker{s: s, kinds: map[string]string{relayName: "relay"}}
	c.number("version", s.Version, FormatVersion, FormatVersion)
	c.duration("length", s.Length, time.Second, maxLength)
	if s.Buffer != 0 {
		c.number("buffer", s.Buffer, 1<<10, 1<<24)
	}
	c.line("path", s.Path)
	c.nats()
	c.clients()
	c.relay()
	c.timeline()
	c.expect()
	if len(c.problems) == 0 {
		return nil
	}
	return c.problems
}

func (c *checker) add(place, format string, args ...any) {
	c.problems = append(c.problems, place+": "+fmt.Sprintf(format, args...))
}

func between[T cmp.Ordered](c *checker, place string, v, least, most T) {
	if !(v >= least && v <= most) {
		c.add(place, "%v is not within %v and %v", v, least, most)
	}
}

func (c *checker) number(place string, v, least, most int) { between(c, place, v, least, most) }

func (c *checker) duration(place string, v Duration, least, most time.Duration) {
	between(c, place, time.Duration(v), least, most)
}

func (c *checker) line(place string, l Line) {
	c.duration(place+".delay", l.Delay, 0, time.Minute)
	c.duration(place+".jitter", l.Jitter, 0, time.Minute)
	between(c, place+".loss", l.Loss, 0, 1)
	between(c, place+".duplicate", l.Duplicate, 0, 1)
	between(c, place+".reorder", l.Reorder, 0, 1)
	if l.MTU != 0 {
		c.number(place+".mtu", l.MTU, 68, 65535)
	}
}

// word wants one of words.
func (c *checker) word(place, v string, words []string) {
	if !slices.Contains(words, v) {
		slices.Sort(words)
		c.add(place, "%q is none of %s%s", v, strings.Join(words, ", "), suggestion(v, words))
	}
}

func goodName(name string) bool {
	const letters, others = "abcdefghijklmnopqrstuvwxyz", "0123456789-"
	return name != "" && len(name) <= maxName && strings.Contains(letters, name[:1]) &&
		strings.Trim(name, letters+others) == ""
}

// name takes a name for something, once.
func (c *checker) name(place, name, kind string) {
	switch {
	case !goodName(name):
		c.add(place, "%q is no name: a small letter, then up to %d small letters, digits and -", name, maxName-1)
	case c.kinds[name] != "":
		c.add(place, "%q is the name of a %s already", name, c.kinds[name])
	default:
		c.kinds[name] = kind
	}
}

// known wants the name of something of these kinds.
func (c *checker) known(place, name string, kinds ...string) {
	if name != "" && slices.Contains(kinds, c.kinds[name]) {
		return
	}
	var names []string
	for n, kind := range c.kinds {
		if slices.Contains(kinds, kind) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	c.add(place, "no %s is called %q%s", kinds[0], name, suggestion(name, names))
}

func (c *checker) nats() {
	c.number("nats", len(c.s.NATs), 0, maxNATs)
	depth := make(map[string]int)
	for i, n := range c.s.NATs {
		place := fmt.Sprintf("nats[%d]", i)
		c.name(place+".name", n.Name, "nat")
		c.word(place+".kind", n.Kind, slices.Collect(maps.Keys(natKinds())))
		c.line(place+".line", n.Line)
		if n.Behind != "" {
			if _, ok := depth[n.Behind]; !ok {
				c.add(place+".behind", "no NAT above it in the list is called %q", n.Behind)
			}
		}
		if depth[n.Name] = depth[n.Behind] + 1; depth[n.Name] > maxNesting {
			c.add(place+".behind", "%d NATs behind each other; %d are enough", depth[n.Name], maxNesting)
		}
	}
}

func (c *checker) clients() {
	for i := range c.s.Clients {
		cl := &c.s.Clients[i]
		place := fmt.Sprintf("clients[%d]", i)
		kind := "client"
		if cl.Count > 0 {
			kind = "group"
		}
		c.name(place+".name", cl.Name, kind)
		for n := range min(max(cl.Count, 0), maxClients) {
			c.name(place+".name", fmt.Sprintf("%s%d", cl.Name, n+1), "client")
		}
	}
	if len(c.s.Clients) == 0 {
		c.add("clients", "there is none")
	}
	used := make(map[string]int)
	for i := range c.s.Clients {
		c.client(fmt.Sprintf("clients[%d]", i), &c.s.Clients[i], used)
	}
	for _, form := range slices.Sorted(maps.Keys(used)) {
		c.number("clients, those with a key of the form "+form, used[form], 0, maxClients)
	}
}

func (c *checker) client(place string, cl *Client, used map[string]int) {
	c.number(place+".count", cl.Count, 0, maxClients)
	form := cmp.Or(cl.Key, "der")
	c.word(place+".key", form, slices.Collect(maps.Keys(keyForms())))
	used[form] += max(cl.Count, 1)
	c.number(place+".number", cl.Number, 0, keysOfAForm)
	if cl.Number > 0 && cl.Count > 0 {
		c.add(place+".number", "a group has more than one key")
	}
	for i := range c.s.Clients {
		o := &c.s.Clients[i]
		if o == cl {
			break // the later of two is told
		}
		if cl.Number > 0 && o.Number == cl.Number && cmp.Or(o.Key, "der") == form {
			c.add(place+".number", "%s has this key too", o.Name)
		}
	}
	if cl.Behind != "" {
		c.known(place+".behind", cl.Behind, "nat")
	}
	c.line(place+".line", cl.Line)
	c.number(place+".outbox", cl.Outbox, 0, 1_000_000)
	c.duration(place+".starts", cl.Starts, 0, maxLength)
	c.clientWords(place+".contacts", cl.Contacts)
}

// clientWord wants the name of a client or a group, or one of other words.
func (c *checker) clientWord(place, name string, words ...string) {
	if !slices.Contains(words, name) {
		c.known(place, name, "client", "group")
	}
}

func (c *checker) relay() {
	r := c.s.Relay
	c.line("relay.line", r.Line)
	if r.MaxPayload != 0 {
		c.number("relay.max_payload", r.MaxPayload, blubbel.MaxLoginPayload, blubbel.HighestMaxPayload)
	}
	c.number("relay.queue", r.Queue, 0, 1<<26)
	c.duration("relay.stall", r.Stall, 0, time.Hour)
	c.number("relay.sessions", r.Sessions, 0, 1<<20)
	between(c, "relay.start_burst", r.StartBurst, 0, 1e6)
	between(c, "relay.start_rate", r.StartRate, 0, 1e6)
	between(c, "relay.start_recipient_rate", r.StartRecipientRate, 0, 1e6)
	between(c, "relay.frames_per_second", r.FramesPerSecond, -1, 1e6)
	c.number("relay.pending_per_address", r.PendingPerAddress, 0, 1<<20)
	c.duration("relay.login_timeout", r.LoginTimeout, 0, time.Hour)
}

func (c *checker) timeline() {
	c.number("timeline", len(c.s.Timeline), 0, maxActions)
	for i := range c.s.Timeline {
		c.action(fmt.Sprintf("timeline[%d]", i), &c.s.Timeline[i])
	}
	if c.texts > maxTexts {
		c.add("timeline", "%d texts in all, %d are enough", c.texts, maxTexts)
	}
}

func (c *checker) action(place string, a *Action) {
	rule, ok := rules()[a.Do]
	if !ok {
		c.word(place+".do", a.Do, slices.Collect(maps.Keys(rules())))
		return
	}
	c.duration(place+".at", a.At, 0, time.Duration(c.s.Length))
	c.who(place+".who", a.Who, rule.who)
	if rule.to {
		c.clientWord(place+".to", a.To, everybody, anybody)
	}
	c.fields(place, a, rule)
	c.number(place+".times", a.Times, 0, maxRepeats)
	c.duration(place+".each", a.Each, 0, maxLength)
	c.number(place+".count", a.Count, 0, maxTexts)
	c.duration(place+".every", a.Every, 0, maxLength)
	c.number(place+".bytes", a.Bytes, 0, maxTextSize)
	c.duration(place+".for", a.For, 0, maxLength)
	c.duration(place+".by", a.By, -maxStep, maxStep)
	if a.Do == "send" {
		c.texts += max(a.Times, 1) * max(a.Count, 1) * c.howMany(a.Who) * c.howMany(a.To)
	}
}

// howMany is how many clients a word in who or to stands for.
func (c *checker) howMany(word string) int {
	all := 0
	for _, cl := range c.s.Clients {
		if cl.Name == word && cl.Count > 0 {
			return cl.Count
		}
		all += max(cl.Count, 1)
	}
	if word == everybody {
		return all
	}
	return 1
}

func (c *checker) who(place, who, kinds string) {
	switch kinds {
	case "":
		if who != "" {
			c.add(place, "this action is about everything")
		}
	case "clients":
		c.clientWord(place, who, everybody, anybody)
	case "hosts":
		c.clientWord(place, who, everybody, anybody, relayName)
	case "boxes":
		if c.kinds[who] != "nat" {
			c.clientWord(place, who, everybody, anybody, relayName)
		}
	case "nats":
		c.known(place, who, "nat")
	}
}

// fields wants the fields that the action has, and no other.
func (c *checker) fields(place string, a *Action, r rule) {
	given := map[string]bool{
		"to": a.To != "", "count": a.Count != 0, "every": a.Every != 0, "bytes": a.Bytes != 0, "for": a.For != 0,
		"way": a.Way != "", "by": a.By != 0, "what": a.What != "", "line": a.Line != nil,
	}
	allowed := slices.Concat(r.required, r.optional)
	if r.to {
		allowed = append(allowed, "to")
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if given[name] && !slices.Contains(allowed, name) {
			c.add(place+"."+name, "%s has no such field", a.Do)
		}
		if !given[name] && slices.Contains(r.required, name) {
			c.add(place+"."+name, "%s needs it", a.Do)
		}
	}
	if a.Way != "" {
		c.word(place+".way", a.Way, ways())
	}
	if a.What != "" {
		c.word(place+".what", a.What, meddlings())
	}
	if a.Line != nil {
		c.line(place+".line", *a.Line)
		if a.Line.MTU != 0 {
			c.add(place+".line.mtu", "it stays as it is: streams would not notice another")
		}
	}
}

func (c *checker) expect() {
	e := c.s.Expect
	c.number("expect.arrive", e.Arrive, 0, maxTexts)
	c.duration("expect.all_arrive_from", e.AllArriveFrom, 0, maxLength)
	c.duration("expect.slowest", e.Slowest, 0, maxLength)
	c.clientWords("expect.undisturbed", e.Undisturbed)
	c.clientWords("expect.online", e.Online)
	c.clientWords("expect.gone", e.Gone)
}

func (c *checker) clientWords(place string, names []string) {
	for i, name := range names {
		c.clientWord(fmt.Sprintf("%s[%d]", place, i), name, everybody)
	}
}
