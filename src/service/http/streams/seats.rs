//! How many clients may stay connected.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use actix_web::{HttpRequest, http::header};

use crate::service::http::{hosts, problem::Problem};

/// Of all connections, so that some are left for requests.
const MAX: usize = 192;

/// The places for clients that stay.
#[derive(Clone, Debug, Default)]
pub struct Seats(Arc<AtomicUsize>);

/// One place; dropping it frees it.
#[derive(Debug)]
pub struct Seat(Seats);

impl Seats {
    /// Takes a place for a request that neither another site's page makes nor one too many.
    ///
    /// # Errors
    ///
    /// 403, 503.
    pub fn take(&self, request: &HttpRequest) -> Result<Seat, Problem> {
        hosts::check_site(request)?;
        let one_more = |taken: usize| (taken < MAX).then_some(taken + 1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        match taken {
            Ok(_) => Ok(Seat(self.clone())),
            Err(_) => {
                let soon = header::HeaderValue::from_static("5");
                let detail =
                    format!("{MAX} clients stay connected already, which is what is allowed");
                Err(Problem::unavailable(detail).header(header::RETRY_AFTER, soon))
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let seats = Seats::default();
        let request = TestRequest::default().to_http_request();
        let mut taken: Vec<_> = (0..MAX).map(|_| seats.take(&request).unwrap()).collect();
        let refused = seats.take(&request).unwrap_err().to_string();
        assert!(refused.contains("192 clients"), "{refused}");
        taken.pop();
        assert!(seats.take(&request).is_ok());
    }
}
