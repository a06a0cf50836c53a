package server

import (
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// Receive takes one frame of c, unless the Todo says that it was not taken. It
// does not look at the size of the payload: that is for who splits the frames,
// as Take does.
func (m *Machine) Receive(now time.Time, c *Conn, f wire.Frame) Todo {
	if c.state == ended {
		return Todo{}
	}
	if todo := m.pause(now, c); todo.held() {
		return todo
	}
	todo := m.dispatch(now, c, f)
	if todo.held() {
		m.stall(c)
		return todo
	}
	c.stalled = false
	c.frames.Take(now, 1)
	m.stats.FramesIn.count(f.Kind)
	m.stats.BytesIn += uint64(f.Size())
	return todo
}

// pause says whether c is to be read later: because it does not read the
// answers to its frames, or sends too many.
func (m *Machine) pause(now time.Time, c *Conn) Todo {
	if c.answered {
		if c.out.Full() {
			m.stall(c)
			return Todo{Full: c.out, Size: 1}
		}
		c.answered = false
	}
	if wait := c.frames.Wait(now, 1); wait > 0 {
		m.stats.Pauses++
		return Todo{Wait: min(max(wait, shortestPause), longestPause)}
	}
	return Todo{}
}

// stall counts a frame that has to wait, once.
func (m *Machine) stall(c *Conn) {
	if !c.stalled {
		c.stalled = true
		m.stats.Stalls++
	}
}

func (m *Machine) dispatch(now time.Time, c *Conn, f wire.Frame) Todo {
	if why := c.state.refuses(f.Kind); why != granted {
		return m.refuse(c, f.Kind, nil, why)
	}
	switch f.Kind {
	case wire.KindLogin:
		var p wire.Login
		if p.UnmarshalBinary(f.Payload) == nil {
			return m.onLogin(c, &p)
		}
	case wire.KindProof:
		var p wire.Proof
		if p.UnmarshalBinary(f.Payload) == nil {
			return m.onProof(c, &p)
		}
		return m.refuse(c, f.Kind, nil, badProof)
	case wire.KindStart:
		var p wire.Start
		if p.UnmarshalBinary(f.Payload) == nil {
			return m.onStart(now, c, &p)
		}
	case wire.KindAccept:
		var p wire.Accept
		if p.UnmarshalBinary(f.Payload) == nil {
			return m.onAccept(c, &p)
		}
	case wire.KindMessage:
		var p wire.Message
		if p.UnmarshalBinary(f.Payload) == nil {
			return m.onMessage(c, &p)
		}
	}
	return m.refuse(c, f.Kind, nil, malformed)
}

// onLogin: a raw key is taken at its word, a DER key has to be proven.
// Specification, Login.
func (m *Machine) onLogin(c *Conn, p *wire.Login) Todo {
	raw := len(p.Key) == blubbel.RawKeySize
	switch {
	case raw && m.config.RefuseRaw:
		return m.refuse(c, wire.KindLogin, nil, rawRefused)
	case !raw && m.config.AsShipped:
		return m.refuse(c, wire.KindLogin, nil, badKey)
	case !raw:
		c.state = sealing
		return Todo{Seal: p.Key}
	}
	key, err := blubbel.ParsePublicKey(p.Key)
	if err != nil {
		return m.refuse(c, wire.KindLogin, nil, badKey)
	}
	if m.clients[string(p.Key)] != nil {
		return m.refuse(c, wire.KindLogin, nil, keyInUse)
	}
	m.enter(c, key)
	return Todo{}
}

// Challenged goes on with a login after a Todo with Seal: challenge is the one
// made for key, nil if that is no key. Of a connection that has ended in the
// meantime it does nothing.
func (m *Machine) Challenged(_ time.Time, c *Conn, key blubbel.PublicKey, challenge *blubbel.Challenge) {
	if c.state != sealing {
		return
	}
	if challenge == nil {
		m.refuse(c, wire.KindLogin, nil, badKey)
		return
	}
	c.state = challenged
	c.login.key, c.login.challenge = key, challenge
	m.stats.Challenges++
	m.answer(c, wire.KindProof, challenge.Sealed)
}

// onProof ends a login; a proven key is taken from whoever has it.
func (m *Machine) onProof(c *Conn, p *wire.Proof) Todo {
	if !c.login.challenge.Accepts(p.MAC[:]) {
		return m.refuse(c, wire.KindProof, nil, badProof)
	}
	key := c.login.key
	if old := m.clients[string(key.Bytes())]; old != nil {
		m.stats.Takeovers++
		m.refuse(old, 0, nil, takenOver)
	}
	m.enter(c, key)
	return Todo{}
}

// onStart asks another client for a session, also while one is open. Every
// frame costs the asker's rate, so that keys cannot be tried fast.
// Specification, Server state.
func (m *Machine) onStart(now time.Time, c *Conn, p *wire.Start) Todo {
	if c.starts.Wait(now, 1) > 0 {
		return m.refuse(c, wire.KindStart, p.Peer, tooManyStarts)
	}
	peer, why := m.find(p.Peer)
	switch {
	case why != granted:
	case peer == c:
		why = oneself
	case !m.hasRoom(c, peer):
		why = tooManySessions
	case peer.asks.Wait(now, 1) > 0:
		why = askedTooOften
	default:
		if todo := m.forward(c, peer, wire.KindStart, p.Sealed); todo.held() {
			return todo
		}
		peer.asks.Take(now, 1)
		m.relate(c, peer, c.peers[peer]|asked)
	}
	c.starts.Take(now, 1)
	return m.refuse(c, wire.KindStart, p.Peer, why)
}

// onAccept opens a session that the other has asked for. Specification, Server
// state.
func (m *Machine) onAccept(c *Conn, p *wire.Accept) Todo {
	peer, why := m.find(p.Peer)
	switch {
	case why != granted:
	case c.peers[peer]&asking == 0:
		why = notAsked
	case !m.hasRoom(c, peer):
		why = tooManySessions
	default:
		if todo := m.forward(c, peer, wire.KindAccept, p.Sealed); todo.held() {
			return todo
		}
		m.relate(c, peer, open)
	}
	return m.refuse(c, wire.KindAccept, p.Peer, why)
}

// onMessage passes a message on where a session is open. Specification, Server
// state.
func (m *Machine) onMessage(c *Conn, p *wire.Message) Todo {
	peer, why := m.find(p.Peer)
	switch {
	case why != granted:
	case c.peers[peer]&open == 0:
		why = noSession
	default:
		return m.forward(c, peer, wire.KindMessage, p.Sealed)
	}
	return m.refuse(c, wire.KindMessage, p.Peer, why)
}

// find returns the client that has key, or why there is none.
func (m *Machine) find(key []byte) (*Conn, refusal) {
	if c := m.clients[string(key)]; c != nil {
		return c, granted
	}
	if _, err := blubbel.ParsePublicKey(key); err != nil {
		return nil, badKey
	}
	return nil, notConnected
}

// forward hands a frame to another client, its leading key replaced by the
// sender's.
func (m *Machine) forward(from, to *Conn, k wire.Kind, body []byte) Todo {
	size := wire.HeadSize + len(from.key) + len(body)
	if !to.out.Forward(k, from.key, body) {
		return Todo{Full: to.out, Size: size}
	}
	m.stats.FramesOut.count(k)
	m.stats.BytesOut += uint64(size)
	return Todo{}
}

// answer hands a frame of our own to c.
func (m *Machine) answer(c *Conn, k wire.Kind, payload []byte) {
	c.out.Answer(k, payload)
	c.answered = true
	m.stats.FramesOut.count(k)
	m.stats.BytesOut += uint64(wire.HeadSize + len(payload))
}

// refuse tells c why its frame of kind k about peer was not obeyed, and closes
// the connection where policy.go says so. Granted is no refusal.
func (m *Machine) refuse(c *Conn, k wire.Kind, peer []byte, why refusal) Todo {
	if why == granted {
		return Todo{}
	}
	code, text := why.rule()
	m.stats.Errors[code]++
	if len(peer) > blubbel.MaxDERKeySize {
		peer = nil // no key has this size: nothing to tell it by
	}
	if !m.config.AsShipped {
		p := wire.Error{Code: code, Answered: k, Peer: peer, Text: text}
		m.scratch, _ = p.AppendBinary(m.scratch[:0]) // cannot fail: every field is bounded
		m.answer(c, wire.KindError, m.scratch)
	}
	if closes(code, c.state) {
		m.end(c, &blubbel.Error{Code: code, Text: text})
	}
	return Todo{}
}
