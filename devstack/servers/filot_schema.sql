-- FiLot's tables, as the backend's migrations leave them. For the demo and the tests: a real deployment has them.
CREATE TYPE document_status AS ENUM ('uploaded', 'processing', 'completed', 'failed');

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255) NOT NULL UNIQUE,
    password_hash text,
    provider_id text,
    provider_type varchar(50),
    display_name varchar(255),
    mobile varchar(50),
    ktp_url text,
    npwp_url text,
    role varchar(50) DEFAULT 'user',
    verification_status varchar(50) DEFAULT 'pending',
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now()
);

CREATE TABLE documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id),
    type varchar(50) NOT NULL,
    file_url text,
    status document_status DEFAULT 'uploaded',
    verification_status varchar(50) DEFAULT 'pending',
    ai_score integer,
    ai_decision varchar(50),
    buli2_ticket_id varchar(255),
    result_json jsonb,
    ocr_text text,
    created_at timestamp DEFAULT now(),
    processed_at timestamp
);

CREATE TABLE manual_reviews (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    document_id uuid NOT NULL REFERENCES documents (id),
    user_id uuid NOT NULL REFERENCES users (id),
    payload jsonb NOT NULL,
    status varchar(50) DEFAULT 'pending',
    decision varchar(50),
    confidence integer,
    notes text,
    buli2_task_id varchar(255),
    created_at timestamp DEFAULT now(),
    updated_at timestamp DEFAULT now()
);
