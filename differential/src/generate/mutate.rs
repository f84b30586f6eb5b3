//! What can be wrong with a command.

use super::Generator;
use crate::step::Mutation;

impl Generator {
    pub fn mutation(&mut self) -> Mutation {
        let at = self.dice.below(200);
        let xor = self.dice.pick(&[0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF]);
        match self.dice.below(20) {
            0 => Mutation::Tag(self.dice.pick(&[0x8001, 0x8002, 0x00C1, 0x00C4, 0, 0x8003])),
            1 => Mutation::Size(self.dice.pick(&[-1, 1, -4, 256, -1000, 0x7000_0000])),
            2 => {
                let codes = self.commands.clone();
                let known = self.dice.pick(&codes);
                Mutation::Code(self.dice.pick(&[
                    known,
                    known,
                    0,
                    0x11E,
                    0x1FF,
                    0x2000_0000 | known,
                    0x0100_0000 | known,
                ]))
            }
            3..=9 => {
                // Sizes, selectors and tags come first.
                let at = if self.dice.flag() { at % 12 } else { at };
                Mutation::Parameter { at, xor }
            }
            10 => Mutation::Cut(1 + self.dice.below(8)),
            11 => Mutation::Cut(1),
            12 => {
                let count = 1 + self.dice.below(6);
                Mutation::More(self.dice.bytes(count))
            }
            13 => Mutation::Truncate(1 + self.dice.below(20)),
            14 => Mutation::AuthSize(self.dice.pick(&[-1, 1, -9, 9, 4, -4, 100, 0x1000_0000])),
            15..=17 => Mutation::AuthByte { at, xor },
            18 => Mutation::NoSessions,
            _ => Mutation::NoHandle,
        }
    }
}
