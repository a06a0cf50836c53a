package flow_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"trunkline/internal/inspect/capture"
	"trunkline/internal/inspect/craft"
	"trunkline/internal/inspect/flow"
)

// A recording puts events into words.
type recording struct {
	flows  *flow.Flows
	packet int
	events []string
	// streams holds what came over TCP, by conversation and side; a # for each
	// byte that is missing, while those are few.
	streams map[[2]int]string
}

func record() *recording {
	r := &recording{streams: map[[2]int]string{}}
	r.flows = flow.New(r.event)
	return r
}

func (r *recording) event(e flow.Event) {
	switch e.Kind {
	case flow.Unknown:
		r.events = append(r.events, fmt.Sprintf("packet %d unknown: %v, %d bytes", e.Packet, e.Why, len(e.Bytes)))
		return
	case flow.Closed:
		r.events = append(r.events, fmt.Sprintf("%d closed", e.Conversation.ID))
		return
	}
	c := e.Conversation
	key := [2]int{c.ID, int(e.From)}
	who := fmt.Sprintf("%d %s %v > %v", c.ID, c.Transport, c.Ends[e.From], c.Ends[e.From.Other()])
	switch e.Kind {
	case flow.Data:
		r.events = append(r.events, fmt.Sprintf("%s at %d %q", who, e.Offset, e.Bytes))
		r.streams[key] += string(e.Bytes)
	case flow.Datagram:
		r.events = append(r.events, fmt.Sprintf("%s %q and %d", who, e.Bytes, e.Missing))
	case flow.Lost:
		r.events = append(r.events, fmt.Sprintf("%s at %d lost %d", who, e.Offset, e.Missing))
		r.streams[key] += strings.Repeat("#", int(min(e.Missing, 1000)))
	}
}

// add adds IP packets, a millisecond apart.
func (r *recording) add(packets ...[]byte) {
	for _, b := range packets {
		r.link(capture.LinkRaw, b, len(b))
	}
}

func (r *recording) link(link capture.LinkType, b []byte, length int) {
	r.packet++
	at := time.UnixMilli(int64(r.packet)).UTC()
	data := bytes.Clone(b)
	r.flows.Add(capture.Packet{Number: r.packet, Time: at, Link: link, Data: data, Length: length})
	clear(data) // nobody may keep it
}

func (r *recording) want(t *testing.T, events ...string) {
	t.Helper()
	if !slices.Equal(r.events, events) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(r.events, "\n  "), strings.Join(events, "\n  "))
	}
}

func ends4() [2]netip.AddrPort {
	return [2]netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("192.0.2.2:8000")}
}

func ends6() [2]netip.AddrPort {
	return [2]netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:40000"), netip.MustParseAddrPort("[2001:db8::2]:8000")}
}

const (
	ask  = "1 tcp 192.0.2.1:40000 > 192.0.2.2:8000 "
	tell = "1 tcp 192.0.2.2:8000 > 192.0.2.1:40000 "
)

func TestConversationIsTold(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends4(), Next: [2]uint32{100, 1 << 31}}
	r.add(talk.Open()...)
	r.add(talk.Send(0, []byte("hello")), talk.Send(1, []byte("hi")), talk.Send(0, []byte("bye")))
	r.add(talk.Close()...)
	r.want(t, ask+`at 0 "hello"`, tell+`at 0 "hi"`, ask+`at 5 "bye"`, "1 closed")
}

func TestOpenerIsWhoSentTheFirstSYN(t *testing.T) {
	for name, drop := range map[string]int{"whole": 0, "first SYN not captured": 1} {
		var got *flow.Conversation
		f := flow.New(func(e flow.Event) { got = e.Conversation })
		talk := craft.Talk{Ends: ends4()}
		for i, p := range append(talk.Open()[drop:], talk.Send(1, []byte("x"))) {
			f.Add(capture.Packet{Number: i, Link: capture.LinkRaw, Data: p, Length: len(p)})
		}
		if got == nil || got.Ends != ends4() || !got.Begun {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestBytesAreOrderedHoweverTheyCome(t *testing.T) {
	text := []byte("the quick brown fox jumps over the lazy dog, twice a day")
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		r := record()
		start := uint32(rnd.Uint64()) // wraps, now and then
		if seed%3 == 0 {
			start = -uint32(rnd.IntN(len(text)))
		}
		talk := craft.Talk{Ends: ends4(), Next: [2]uint32{start, 5}}
		r.add(talk.Open()...)
		var packets [][]byte
		for from := 0; from < len(text); {
			n := min(1+rnd.IntN(9), len(text)-from)
			packets = append(packets, talk.Send(0, text[from:from+n]))
			from += n
		}
		for range 20 { // sent again, cut otherwise
			from := rnd.IntN(len(text))
			again := craft.Talk{Ends: ends4(), Next: [2]uint32{start + 1 + uint32(from), 6}}
			packets = append(packets, again.Send(0, text[from:from+1+rnd.IntN(len(text)-from)]))
		}
		rnd.Shuffle(len(packets), func(i, j int) { packets[i], packets[j] = packets[j], packets[i] })
		r.add(packets...)
		r.add(talk.Close()...)
		if got := r.streams[[2]int{1, 0}]; got != string(text) {
			t.Fatalf("seed %d: got %q", seed, got)
		}
		if got := r.events[len(r.events)-1]; got != "1 closed" {
			t.Fatalf("seed %d: ends with %s", seed, got)
		}
	}
}

func TestBytesThatComeTwiceAreTakenAsTheyCameFirst(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends4()}
	r.add(talk.Open()...)
	second := craft.Talk{Ends: ends4(), Next: talk.Next}
	r.add(talk.Send(0, []byte("first")), second.Send(0, []byte("FIRST and more")))
	r.flows.Flush()
	r.want(t, ask+`at 0 "first"`, ask+`at 5 " and more"`, "1 closed")
}

func TestMissingBytesAreToldAtTheEnd(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends4()}
	r.add(talk.Open()...)
	r.add(talk.Send(0, []byte("one")))
	talk.Send(0, []byte("two")) // never captured
	r.add(talk.Send(0, []byte("three")), talk.Send(1, []byte("ok")))
	r.add(talk.Close()...)
	r.flows.Flush()
	r.want(t, ask+`at 0 "one"`, tell+`at 0 "ok"`, ask+"at 3 lost 3", ask+`at 6 "three"`, "1 closed")
}

func TestMissingBytesAreGivenUpWhenTooMuchWaits(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends4()}
	r.add(talk.Open()...)
	talk.Send(0, []byte("gap"))
	data := make([]byte, 60000)
	for range flow.MaxWaiting/len(data) + 1 {
		r.add(talk.Send(0, data))
	}
	if len(r.events) == 0 || r.events[0] != ask+"at 0 lost 3" {
		t.Errorf("got %.200q", r.events)
	}
}

func TestCutPacketsLeaveAGapOfTheirSize(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends4()}
	r.add(talk.Open()...)
	b := talk.Send(0, []byte("0123456789"))
	r.link(capture.LinkRaw, b[:44], len(b))
	b = talk.Send(0, []byte("abc"))
	r.link(capture.LinkRaw, b[:38], len(b)) // inside the header of TCP: 2 bytes of it and the data are missing
	r.add(talk.Send(0, []byte("xyz")))
	r.flows.Flush()
	r.want(t, ask+`at 0 "0123"`, ask+"at 4 lost 6", "packet 5 unknown: ends inside a header, 38 bytes",
		ask+"at 10 lost 3", ask+`at 13 "xyz"`, "1 closed")
}

func TestCaptureMayBeginInTheMiddle(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends6(), Next: [2]uint32{77, 88}}
	r.add(talk.Send(1, []byte("late")), talk.Send(0, []byte("too")))
	r.flows.Flush()
	r.want(t, `1 tcp [2001:db8::2]:8000 > [2001:db8::1]:40000 at 0 "late"`,
		`1 tcp [2001:db8::1]:40000 > [2001:db8::2]:8000 at 0 "too"`, "1 closed")
}

func TestResetEndsAConversation(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends4()}
	r.add(talk.Open()...)
	r.add(talk.Send(0, []byte("x")))
	talk.Send(0, []byte("gap"))
	r.add(talk.Send(0, []byte("y")))
	r.add(craft.Segment{From: ends4()[1], To: ends4()[0], Number: 1, Flags: craft.RST}.IP())
	r.add(craft.Segment{From: ends4()[1], To: ends4()[0], Number: 1, Flags: craft.RST}.IP())
	r.want(t, ask+`at 0 "x"`, ask+"at 1 lost 3", ask+`at 4 "y"`, "1 closed")
}

func TestSameEndsMayTalkAgain(t *testing.T) {
	r := record()
	first := craft.Talk{Ends: ends4(), Next: [2]uint32{1000, 2000}}
	open := first.Open()
	r.add(open[0], open[0], open[1], open[2], first.Send(0, []byte("a")))
	second := craft.Talk{Ends: ends4(), Next: [2]uint32{9000, 9900}}
	r.add(second.Open()...)
	r.add(second.Send(0, []byte("b")))
	r.flows.Flush()
	r.want(t, ask+`at 0 "a"`, "1 closed", `2 tcp 192.0.2.1:40000 > 192.0.2.2:8000 at 0 "b"`, "2 closed")
}

// What is sent again after the end is not another conversation: a capture of
// several interfaces has every packet several times.
func TestWhatIsSentAgainAfterTheEndIsIgnored(t *testing.T) {
	r := record()
	talk := craft.Talk{Ends: ends4(), Next: [2]uint32{7, 8}}
	all := talk.Open()
	all = append(all, talk.Send(0, []byte("hello")), talk.Send(1, []byte("hi")))
	all = append(all, talk.Close()...)
	r.add(all...)
	r.add(all...)
	r.want(t, ask+`at 0 "hello"`, tell+`at 0 "hi"`, "1 closed")
	r.add(talk.Send(1, []byte("more"))) // a new beginning was missed
	r.flows.Flush()
	r.want(t, ask+`at 0 "hello"`, tell+`at 0 "hi"`, "1 closed", `2 tcp 192.0.2.2:8000 > 192.0.2.1:40000 at 0 "more"`, "2 closed")
}

func TestConversationsThatAreOverGiveWayFirst(t *testing.T) {
	r := record()
	idle := craft.Talk{Ends: ends4()}
	r.add(idle.Open()...)
	for i := range flow.MaxConversations + 10 {
		talk := craft.Talk{Ends: ends4()}
		talk.Ends[0] = netip.AddrPortFrom(talk.Ends[0].Addr(), uint16(i))
		r.add(talk.Open()...)
		r.add(talk.Close()...)
	}
	r.events = nil
	r.add(idle.Send(0, []byte("still here")))
	r.want(t, ask+`at 0 "still here"`)
}

func TestDatagramsAreTold(t *testing.T) {
	r := record()
	e := ends6()
	r.add(craft.Datagram(e[0], e[1], []byte("ping")), craft.Datagram(e[1], e[0], nil))
	b := craft.Datagram(e[0], e[1], []byte("0123456789"))
	r.link(capture.LinkRaw, b[:len(b)-3], len(b))
	r.flows.Flush()
	r.want(t, `1 udp [2001:db8::1]:40000 > [2001:db8::2]:8000 "ping" and 0`, `1 udp [2001:db8::2]:8000 > [2001:db8::1]:40000 "" and 0`,
		`1 udp [2001:db8::1]:40000 > [2001:db8::2]:8000 "0123456" and 3`, "1 closed")
}

func TestEveryLinkTypeIsRead(t *testing.T) {
	for _, e := range [][2]netip.AddrPort{ends4(), ends6()} {
		ip := craft.Datagram(e[0], e[1], []byte("x"))
		for _, link := range []capture.LinkType{
			capture.LinkEthernet, capture.LinkRaw, capture.LinkSLL, capture.LinkSLL2, capture.LinkNull, capture.LinkLoop,
			capture.LinkIPv4, capture.LinkIPv6,
		} {
			r := record()
			b := craft.Link(link, ip)
			r.link(link, b, len(b))
			r.want(t, fmt.Sprintf(`1 udp %v > %v "x" and 0`, e[0], e[1]))
			for n := range len(b) - len(ip) {
				r := record()
				r.link(link, b[:n], len(b))
				if len(r.events) != 1 || !strings.Contains(r.events[0], "unknown: ends inside a header") {
					t.Errorf("link %d cut to %d: got %q", link, n, r.events)
				}
			}
		}
	}
}

func TestVLANTagsAreSteppedOver(t *testing.T) {
	e := ends4()
	b := craft.Link(capture.LinkEthernet, craft.Datagram(e[0], e[1], []byte("x")))
	for tags := range 6 {
		r := record()
		r.link(capture.LinkEthernet, b, len(b))
		if tags < 5 {
			r.want(t, `1 udp 192.0.2.1:40000 > 192.0.2.2:8000 "x" and 0`)
		} else {
			r.want(t, fmt.Sprintf("packet 1 unknown: not IP, %d bytes", len(b)))
		}
		b = craft.VLAN([]uint16{0x8100, 0x88a8, 0x9100}[tags%3], b)
	}
}

func TestWhatIsNotFollowedComesOutWhole(t *testing.T) {
	e := ends4()
	icmp := craft.Datagram(e[0], e[1], []byte("xxxx"))
	icmp[9] = 1
	short := craft.Segment{From: e[0], To: e[1], Flags: craft.ACK, Data: []byte("x")}.IP()
	short[32] = 4 << 4
	long := bytes.Clone(short)
	long[32] = 15 << 4
	for _, c := range []struct {
		link capture.LinkType
		b    []byte
		want string
	}{
		{capture.LinkEthernet, append(make([]byte, 12), 0x08, 0x06, 1, 2, 3), "not IP, 17 bytes"},
		{capture.LinkSLL, append(make([]byte, 14), 0x88, 0xcc), "not IP, 16 bytes"},
		{147, []byte("whatever"), "link type not known, 8 bytes"},
		{capture.LinkRaw, nil, "ends inside a header, 0 bytes"},
		{capture.LinkRaw, []byte{0x55}, "neither IPv4 nor IPv6, 1 bytes"},
		{capture.LinkRaw, []byte{0x41, 0, 0, 0}, "ends inside a header, 4 bytes"},
		{capture.LinkRaw, icmp, "neither TCP nor UDP, 32 bytes"},
		{capture.LinkRaw, short, "ends inside a header, 41 bytes"},
		{capture.LinkRaw, long, "ends inside a header, 41 bytes"},
		{capture.LinkRaw, craft.Datagram(e[0], e[1], nil)[:27], "ends inside a header, 27 bytes"},
	} {
		r := record()
		r.link(c.link, c.b, len(c.b))
		r.want(t, "packet 1 unknown: "+c.want)
	}
}

// Options of IPv4 and TCP, and padding behind the packet, are not payload.
func TestOptionsAndPaddingAreLeftOut(t *testing.T) {
	e := ends4()
	ip := craft.Segment{From: e[0], To: e[1], Number: 9, Flags: craft.ACK, Data: []byte("data")}.IP()
	with := slices.Concat([]byte{0x46}, ip[1:20], []byte{1, 1, 1, 1}, ip[20:40], []byte{1, 1, 1, 1, 1, 1, 1, 1}, ip[40:])
	with[24+12] = 7 << 4
	binary.BigEndian.PutUint16(with[2:], uint16(len(with)))
	r := record()
	r.add(append(with, "padding"...))
	r.want(t, ask+`at 0 "data"`)
	binary.BigEndian.PutUint16(with[2:], 0) // segmentation left to the network card
	r = record()
	r.add(with)
	r.want(t, ask+`at 0 "data"`)
}

func TestExtensionHeadersAreSteppedOver(t *testing.T) {
	e := ends6()
	ip := craft.Datagram(e[0], e[1], []byte("x"))
	const hop, routing, options, auth = 0, 43, 60, 51
	with := func(kinds ...byte) []byte {
		b := bytes.Clone(ip)
		for _, k := range slices.Backward(kinds) {
			head := append([]byte{b[6], 0}, make([]byte, 6)...)
			if k == routing {
				head[1] = 1
				head = append(head, make([]byte, 8)...)
			}
			if k == auth { // counts in other units
				head[1] = 2
				head = append(head, make([]byte, 8)...)
			}
			b = slices.Concat(b[:40], head, b[40:])
			b[6] = k
			binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
		}
		return b
	}
	for _, kinds := range [][]byte{{hop}, {hop, options, routing, auth, options}, {auth}} {
		r := record()
		r.add(with(kinds...))
		r.want(t, `1 udp [2001:db8::1]:40000 > [2001:db8::2]:8000 "x" and 0`)
	}
	r := record()
	r.add(with(slices.Repeat([]byte{options}, 17)...))
	r.want(t, "packet 1 unknown: neither TCP nor UDP, 185 bytes")
	r = record()
	r.add(with(hop)[:45], with(hop)[:41])
	r.want(t, "packet 1 unknown: ends inside a header, 45 bytes", "packet 2 unknown: ends inside a header, 41 bytes")
}

func TestFragmentsArePutTogether(t *testing.T) {
	data := []byte(strings.Repeat("0123456789", 10))
	for _, e := range [][2]netip.AddrPort{ends4(), ends6()} {
		want := fmt.Sprintf("1 udp %v > %v %q and 0", e[0], e[1], data)
		parts := craft.Fragments(craft.Datagram(e[0], e[1], data), 24)
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			order := slices.Concat(parts[:len(parts)-1], parts[:2]) // two come twice
			rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			r := record()
			r.add(append(order, parts[len(parts)-1])...)
			r.want(t, want)
		}
	}
}

func TestFragmentsWithoutTheRestComeOutWhole(t *testing.T) {
	e := ends4()
	parts := craft.Fragments(craft.Datagram(e[0], e[1], make([]byte, 40)), 24)
	r := record()
	r.add(parts[1])
	r.flows.Flush()
	r.want(t, "packet 1 unknown: fragments are missing, 44 bytes")
}

func TestOldFragmentsAreGivenUp(t *testing.T) {
	e := ends4()
	parts := craft.Fragments(craft.Datagram(e[0], e[1], make([]byte, 40)), 24)
	r := record()
	r.add(parts[0])
	r.packet += 61000 // milliseconds
	r.add(parts[1])
	r.want(t, "packet 1 unknown: fragments are missing, 44 bytes")
}

func TestFragmentsThatOverlapAreNotPutTogether(t *testing.T) {
	e := ends4()
	ip := craft.Datagram(e[0], e[1], make([]byte, 40))
	parts := craft.Fragments(ip, 24)
	other := craft.Fragments(ip, 32)
	for name, packets := range map[string][][]byte{
		"overlap":            {parts[0], other[0]},
		"overlap from below": {parts[1], other[0]},
		"two ends":           {parts[1], other[1]},
	} {
		r := record()
		r.add(packets...)
		r.flows.Flush()
		if len(r.events) != 2 || !strings.Contains(r.events[0]+r.events[1], "overlap") {
			t.Errorf("%s: got %q", name, r.events)
		}
	}
	beyond := bytes.Clone(parts[1])
	binary.BigEndian.PutUint16(beyond[6:], 0x1fff)
	r := record()
	r.add(beyond)
	r.want(t, "packet 1 unknown: fragments overlap or do not fit, 44 bytes")
	odd := craft.Fragments(craft.Datagram(e[0], e[1], make([]byte, 40)), 24)[0]
	odd[3] = 20 + 13
	r = record()
	r.add(odd)
	r.want(t, "packet 1 unknown: fragments overlap or do not fit, 44 bytes")
	r = record()
	r.link(capture.LinkRaw, parts[0][:30], 44)
	r.want(t, "packet 1 unknown: cut before its end by the capture, 30 bytes")
}

func TestFragmentedDatagramsAreBounded(t *testing.T) {
	e := ends4()
	first := craft.Fragments(craft.Datagram(e[0], e[1], make([]byte, 40)), 24)[0]
	r := record()
	for i := range flow.MaxFragmented + 1 {
		binary.BigEndian.PutUint16(first[4:], uint16(i))
		r.add(first)
	}
	r.want(t, "packet 1 unknown: fragments are missing, 44 bytes")
	r = record()
	huge := append(bytes.Clone(first), make([]byte, 200<<10)...) // mostly padding
	for i := range 40 {
		binary.BigEndian.PutUint16(huge[4:], uint16(i))
		r.add(huge)
	}
	if got := 40 - len(r.events); got > 4<<20/len(huge) {
		t.Errorf("%d packets of %d bytes are kept", got, len(huge))
	}
}

func TestConversationsAreBounded(t *testing.T) {
	r := record()
	for i := range flow.MaxConversations + 2 {
		e := ends4()
		e[0] = netip.AddrPortFrom(e[0].Addr(), uint16(i))
		r.add(craft.Segment{From: e[0], To: e[1], Flags: craft.SYN}.IP())
		if i == 1 { // the first is heard of again
			r.add(craft.Segment{From: netip.AddrPortFrom(e[0].Addr(), 0), To: e[1], Number: 1, Flags: craft.ACK, Data: []byte("x")}.IP())
		}
	}
	r.want(t, `1 tcp 192.0.2.1:0 > 192.0.2.2:8000 at 0 "x"`, "2 closed", "1 closed")
}

// FuzzFlows feeds packets cut out of any bytes, one after the other, and checks
// what every event must keep to.
func FuzzFlows(f *testing.F) {
	talk := craft.Talk{Ends: ends4()}
	var seed []byte
	add := func(packets ...[]byte) {
		for _, p := range packets {
			seed = append(binary.BigEndian.AppendUint16(seed, uint16(len(p))), p...)
		}
	}
	add(talk.Open()...)
	add(talk.Send(0, []byte("hello")), talk.Send(1, []byte("hi")))
	add(talk.Close()...)
	f.Add(uint16(capture.LinkRaw), seed)
	seed = nil
	add(craft.Fragments(craft.Datagram(ends6()[0], ends6()[1], make([]byte, 40)), 16)...)
	f.Add(uint16(capture.LinkRaw), seed)
	seed = nil
	add(craft.VLAN(0x8100, craft.Link(capture.LinkEthernet, talk.Send(0, []byte("x")))))
	f.Add(uint16(capture.LinkEthernet), seed)
	f.Fuzz(func(t *testing.T, link uint16, b []byte) {
		offsets := map[[2]int]int64{}
		given, told, n := 0, 0, 0
		flows := flow.New(func(e flow.Event) {
			told += len(e.Bytes)
			if e.Kind != flow.Data && e.Kind != flow.Lost {
				return
			}
			key := [2]int{e.Conversation.ID, int(e.From)}
			if e.Offset != offsets[key] || (e.Kind == flow.Data) != (len(e.Bytes) > 0) || e.Missing < 0 {
				t.Fatalf("%+v, want offset %d", e, offsets[key])
			}
			offsets[key] += int64(len(e.Bytes)) + e.Missing
		})
		for len(b) >= 2 {
			size := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
			n++
			given += size
			flows.Add(capture.Packet{Number: n, Link: capture.LinkType(link), Data: b[2 : 2+size], Length: size + n%3})
			b = b[2+size:]
		}
		flows.Flush()
		if told > 2*given { // a fragment may be told alone, never twice
			t.Fatalf("%d bytes told of %d", told, given)
		}
	})
}
