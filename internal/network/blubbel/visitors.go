package blubbel

import (
	"container/list"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
)

// maxWaiting bounds the answers that wait for visitors who do not read, in bytes
// of all together; what does not fit is not answered.
const maxWaiting = 16 << 20

// visitors are those whom the echo contact knows: as many as the relay lets one
// connection have sessions. A relay does not tell who leaves, so the one who was
// not heard for the longest makes room.
type visitors struct {
	most    int
	inOrder *list.List // of blubbel.PublicKey; who was heard last is first
	places  map[blubbel.PublicKey]*list.Element
	answers map[client.Ref]int // that wait, by size
	waiting int                // sum of answers
}

func newVisitors(most int) *visitors {
	return &visitors{
		most: most, inOrder: list.New(),
		places: make(map[blubbel.PublicKey]*list.Element), answers: make(map[client.Ref]int),
	}
}

// leave notes what an event says about a visitor, and returns who has to go.
func (v *visitors) leave(event client.Event) (gone []blubbel.PublicKey) {
	switch e := event.(type) {
	case client.Received:
		v.heard(e.From)
	case client.ContactChanged:
		if e.Contact.State == client.Gone {
			v.forget(e.Contact.Key)
			return []blubbel.PublicKey{e.Contact.Key}
		}
		v.heard(e.Contact.Key)
	}
	for v.inOrder.Len() > v.most {
		oldest := v.inOrder.Back().Value.(blubbel.PublicKey)
		v.forget(oldest)
		gone = append(gone, oldest)
	}
	return gone
}

func (v *visitors) heard(who blubbel.PublicKey) {
	if place, ok := v.places[who]; ok {
		v.inOrder.MoveToFront(place)
		return
	}
	v.places[who] = v.inOrder.PushFront(who)
}

func (v *visitors) forget(who blubbel.PublicKey) {
	if place, ok := v.places[who]; ok {
		v.inOrder.Remove(place)
		delete(v.places, who)
	}
}

func (v *visitors) answering(ref client.Ref, size int) {
	v.answers[ref] = size
	v.waiting += size
}

func (v *visitors) answered(ref client.Ref) {
	v.waiting -= v.answers[ref]
	delete(v.answers, ref)
}
