// Package offer reads the offers of members and writes their answers (RFC 8829, as far as one who only answers needs it).
//
//	SDP -> Read -> Offer (sections: their roles, and what was agreed on in each) -> Answer -> SDP
//
// Which codecs and header extensions are answered stands in two tables, codec.go and extension.go; whoever adds a codec adds a
// line. Nothing here keeps state: the sections of the offer before are given to Read, which holds the next one to them.
package offer
