//! A mail server that accepts every mail and keeps none.
//!
//! Without one, Alertmanager retries a mail again and again, and sends nothing new to the same receivers until it gives up: a test that
//! counts messages would count too early.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Listens on a free port until the test ends; returns the address.
pub async fn listen() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(take(stream));
        }
    });
    address
}

/// An error means that the client hung up, so there is nothing left to do.
async fn take(stream: TcpStream) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut in_mail = false;
    write.write_all(b"220 mail\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        if in_mail && line != "." {
            continue;
        }
        in_mail = line == "DATA";
        let reply = if in_mail { "354 go on\r\n" } else { "250 taken\r\n" };
        write.write_all(reply.as_bytes()).await?;
    }
    Ok(())
}
