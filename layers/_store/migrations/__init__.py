"""Steps from one schema of the store to the next, run by alembic (`layers._store.migrate`); there is no way back but a backup."""
