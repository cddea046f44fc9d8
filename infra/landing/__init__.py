"""The landing service: SFTP in front of the store. A centre sees its own `inbox/` and `outbox/`, and the basedata
everybody may read; nothing else of the machine or the store exists for it."""
