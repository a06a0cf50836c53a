package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"trunkline/blubbel"
)

// person is a client of the scenario: a key, a place, and the programs that have
// logged in with the key, one after the other.
type person struct {
	r        *run
	name     string
	spec     *Client
	key      *blubbel.SecretKey
	place    *place // of the newest program
	programs []*program
	wants    []*person // contacts
	blocked  []*person
	ended    int // when a connection of theirs last ended, in the ledger's order
	troubles int // connections that ended, errors and losses that they were told of
}

// addPeople makes everybody, and has them start.
func (r *run) addPeople(keys *keyring) error {
	used := map[blubbel.Form][]int{}
	for i := range r.sc.Clients {
		c := &r.sc.Clients[i]
		if c.Number > 0 {
			form := keyForms()[cmp.Or(c.Key, "der")]
			used[form] = append(used[form], c.Number)
		}
	}
	for i := range r.sc.Clients {
		c := &r.sc.Clients[i]
		for n := range max(c.Count, 1) {
			p, err := r.addPerson(c, n+1, keys, used)
			if err != nil {
				return err
			}
			r.groups[c.Name] = append(r.groups[c.Name], p)
		}
	}
	for _, p := range r.people {
		for _, word := range p.spec.Contacts {
			for _, o := range r.pick(word) {
				p.want(o)
			}
		}
		r.after(time.Duration(p.spec.Starts), p.start)
	}
	return nil
}

// addPerson makes the n-th client of a group.
func (r *run) addPerson(c *Client, n int, keys *keyring, used map[blubbel.Form][]int) (*person, error) {
	form, number := keyForms()[cmp.Or(c.Key, "der")], c.Number
	if number == 0 {
		for number = 1; slices.Contains(used[form], number); number++ {
		}
		used[form] = append(used[form], number)
	}
	key, err := keys.key(form, number)
	if err != nil {
		return nil, err
	}
	p := &person{r: r, name: c.Name, spec: c, key: key}
	if c.Count > 0 {
		p.name = fmt.Sprintf("%s%d", c.Name, n)
	}
	p.place = r.addHost(p.name, r.places[c.Behind], c.Line)
	r.people = append(r.people, p)
	r.ledger.byKey[key.Public()] = p
	return p, nil
}

// want makes o a contact, for programs to come.
func (p *person) want(o *person) {
	if o != p && !slices.Contains(p.wants, o) {
		p.wants = append(p.wants, o)
	}
	p.blocked = without(p.blocked, o)
}

func without(list []*person, o *person) []*person {
	return slices.DeleteFunc(list, func(p *person) bool { return p == o })
}

func keysOf(list []*person) []blubbel.PublicKey {
	keys := make([]blubbel.PublicKey, len(list))
	for i, p := range list {
		keys[i] = p.key.Public()
	}
	return keys
}

// start begins a program, unless one runs.
func (p *person) start() {
	if p.running() == nil && !p.place.down {
		p.begin()
	}
}

// begin begins a program on the person's host.
func (p *person) begin() {
	prog, err := newProgram(p, len(p.programs)+1)
	if err != nil {
		p.r.broken("%s does not start: %v", p.name, err)
		return
	}
	p.programs = append(p.programs, prog)
	prog.dial()
}

// running is the newest program that is logged in, else the newest that has not
// ended; nil if none is left.
func (p *person) running() *program {
	var best *program
	for _, prog := range p.programs {
		if !prog.gone && (best == nil || prog.online || !best.online) {
			best = prog
		}
	}
	return best
}

// leave ends the person's programs as their owner does.
func (p *person) leave() {
	for _, prog := range p.programs {
		if !prog.gone {
			prog.quit()
		}
	}
}

// crash stops the host that the person is at.
func (p *person) crash() {
	if p.place.down {
		return
	}
	p.place.down = true
	p.place.host.Crash() // first, so that nothing is said
	for _, prog := range p.programs {
		if prog.at == p.place && !prog.gone {
			prog.end()
		}
	}
}

// comeBack brings the host up and starts a program, as far as they are down.
func (p *person) comeBack() {
	if p.place.down {
		p.place.down = false
		p.place.host.Restart()
	}
	p.start()
}

// elsewhere begins another program on another host while the first still runs.
func (p *person) elsewhere() {
	p.place = p.r.addHost(fmt.Sprintf("%s/%d", p.name, len(p.programs)+1), p.place.behind, p.spec.Line)
	p.begin()
}

func (p *person) stall() {
	if prog := p.running(); prog != nil {
		prog.stall()
	}
}

func (p *person) resume() {
	for _, prog := range p.programs {
		prog.resume()
	}
}
