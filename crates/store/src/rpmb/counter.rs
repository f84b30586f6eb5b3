//! A monotonic counter in an RPMB, for a state that lies elsewhere: one block for each state.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | `IRRPMBCT` |
//! | 8 | 2 | format version: 1 |
//! | 10 | 6 | zero |
//! | 16 | 16 | the state's name |
//! | 32 | 8 | number |
//! | 40 | 32 | HMAC(HMAC(counter's secret, `ironroot/counter/v1/rpmb`), bytes 0 to 39) |
//! | 72 | 184 | zero |
//!
//! The device keeps others from writing it and from answering with what it once held; the MAC keeps states of the same host apart.

use super::frame::DATA;
use super::{COUNTERS, Rpmb, RpmbError, Transport};
use crate::header::is_zero;
use crate::keys::{finish, keyed};
use ironroot_platform::{CountedState, CounterError, CounterKind, MonotonicCounter};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"IRRPMBCT";
const VERSION: u16 = 1;
const NUMBER: usize = 32;

/// The counters of a device.
pub struct RpmbCounter<T: Transport> {
    rpmb: Rpmb<T>,
    /// Where the number of the state that was asked for last is.
    place: Option<([u8; 16], u16)>,
}

impl<T: Transport> RpmbCounter<T> {
    pub(super) const fn new(rpmb: Rpmb<T>) -> Self {
        Self { rpmb, place: None }
    }

    fn block(&self, address: u16) -> Result<[u8; DATA], CounterError> {
        let mut block = [0; DATA];
        let read = self.rpmb.lock().read(address, &mut block);
        read.map_err(|error| self.failed("reading", &error))?;
        Ok(block)
    }

    fn write(&self, address: u16, state: &CountedState, number: u64) -> Result<(), CounterError> {
        let block = encode(state, number);
        let written = self.rpmb.lock().write(address, &block);
        written.map_err(|error| self.failed("writing", &error))
    }

    fn failed(&self, doing: &str, error: &RpmbError) -> CounterError {
        let text = format!("{}: {doing} the counter: {error}", self.place());
        match error {
            RpmbError::Transport(_) | RpmbError::Entropy => CounterError::Unreachable(text),
            _ => CounterError::Refused(text),
        }
    }

    /// Where the state's number is, or the first place that is free.
    fn find(&mut self, state: &CountedState) -> Result<(Option<u16>, Option<u16>), CounterError> {
        if let Some((id, address)) = self.place
            && id == state.id
        {
            return Ok((Some(address), None));
        }
        let mut free = None;
        for address in 0..COUNTERS {
            let block = self.block(address)?;
            if is_zero(&block) {
                free = free.or(Some(address));
            } else if block.get(16..NUMBER) == Some(state.id.as_slice()) {
                self.place = Some((state.id, address));
                return Ok((Some(address), free));
            }
        }
        Ok((None, free))
    }

    fn number(&mut self, state: &CountedState) -> Result<(u64, u16), CounterError> {
        let address = match self.find(state)? {
            (Some(address), _) => address,
            (None, _) => {
                return Err(CounterError::Missing(format!("{}: it does not count for this state", self.place())));
            }
        };
        let block = self.block(address)?;
        let number = block.get(NUMBER..).and_then(<[u8]>::first_chunk).copied().map_or(0, u64::from_be_bytes);
        if !bool::from(block.ct_eq(&encode(state, number))) {
            return Err(CounterError::Refused(format!("{}: the counter is another state's", self.place())));
        }
        Ok((number, address))
    }
}

fn encode(state: &CountedState, number: u64) -> [u8; DATA] {
    let mut block = Vec::with_capacity(DATA);
    block.extend_from_slice(MAGIC);
    block.extend_from_slice(&VERSION.to_be_bytes());
    block.extend_from_slice(&[0; 6]);
    block.extend_from_slice(&state.id);
    block.extend_from_slice(&number.to_be_bytes());
    let key = Zeroizing::new(finish(keyed(&state.secret), &[b"ironroot/counter/v1/rpmb"]));
    let mac = finish(keyed(&key), &[&block]);
    block.extend_from_slice(&mac);
    block.resize(DATA, 0);
    block.try_into().unwrap_or([0; DATA])
}

impl<T: Transport> MonotonicCounter for RpmbCounter<T> {
    fn kind(&self) -> CounterKind {
        CounterKind::Hardware
    }

    fn place(&self) -> String {
        format!("RPMB of {}", self.rpmb.lock().transport.name())
    }

    fn register(&mut self, state: &CountedState) -> Result<(), CounterError> {
        match self.find(state)? {
            (Some(_), _) => Err(CounterError::Refused(format!("{}: it counts for this state already", self.place()))),
            (None, None) => Err(CounterError::Refused(format!("{}: all {COUNTERS} places are taken", self.place()))),
            (None, Some(free)) => {
                self.write(free, state, 0)?;
                self.place = Some((state.id, free));
                Ok(())
            }
        }
    }

    fn read(&mut self, state: &CountedState) -> Result<u64, CounterError> {
        Ok(self.number(state)?.0)
    }

    fn advance(&mut self, state: &CountedState, to: u64) -> Result<(), CounterError> {
        let (number, address) = self.number(state)?;
        if number >= to {
            return Err(CounterError::Ahead(number));
        }
        self.write(address, state, to)
    }
}
