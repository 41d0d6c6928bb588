//! A small schema whose fields complete in another order than selected, and sometimes fail.

use async_graphql::{ID, Interface, Object};

use crate::api_error::ApiError;

pub struct Query;
pub struct Bird;
pub struct Fish;

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub enum Animal {
    Bird(Bird),
    Fish(Fish),
}

/// A future that is ready after this number of polls.
async fn after(calls: u32) {
    for _ in 0..calls {
        tokio::task::yield_now().await;
    }
}

#[Object]
impl Query {
    async fn late(&self) -> i32 {
        after(5).await;
        1
    }

    async fn animal(&self) -> Option<Animal> {
        after(3).await;
        Some(Animal::Fish(Fish))
    }

    async fn bird(&self) -> Bird {
        after(1).await;
        Bird
    }

    async fn fish(&self) -> Option<Fish> {
        Some(Fish)
    }

    async fn missing(&self) -> Option<Bird> {
        after(2).await;
        None
    }

    async fn zoo(&self) -> Vec<Option<Animal>> {
        after(4).await;
        vec![Some(Animal::Bird(Bird)), None, Some(Animal::Fish(Fish))]
    }

    #[expect(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn broken(&self) -> Result<Option<i32>, ApiError> {
        Err(ApiError::NotFound)
    }
}

#[Object]
impl Bird {
    async fn id(&self) -> ID {
        after(2).await;
        ID::from("b")
    }

    async fn wing(&self) -> i32 {
        2
    }

    async fn late(&self) -> Option<i32> {
        after(4).await;
        Some(3)
    }

    async fn mate(&self) -> Option<Animal> {
        after(1).await;
        Some(Animal::Bird(Bird))
    }

    async fn chicks(&self) -> Vec<Option<Bird>> {
        after(3).await;
        vec![Some(Bird), None]
    }

    async fn broken(&self) -> Result<Option<Bird>, ApiError> {
        after(2).await;
        Err(ApiError::NotFound)
    }

    async fn cracked(&self) -> Result<i32, ApiError> {
        after(1).await;
        Err(ApiError::NotFound)
    }
}

#[Object]
impl Fish {
    async fn id(&self) -> ID {
        ID::from("f")
    }

    async fn fin(&self) -> i32 {
        after(6).await;
        4
    }

    async fn mate(&self) -> Option<Animal> {
        None
    }

    async fn school(&self) -> Option<Vec<Fish>> {
        after(2).await;
        Some(vec![Fish, Fish])
    }

    async fn home(&self) -> Option<Bird> {
        after(1).await;
        Some(Bird)
    }

    #[expect(clippy::unused_async, reason = "resolvers are asynchronous")]
    async fn cracked(&self) -> Result<i32, ApiError> {
        Err(ApiError::NotFound)
    }
}
