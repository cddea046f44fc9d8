--
-- PostgreSQL database dump
--

\restrict Wvwv125zEYVchU0Kzudg6esuufOReVRY8UGtVobbCcVwUXPVYKQQaof5P9wBqkN

-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: entries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.entries (
    id bigint NOT NULL,
    submission_id bigint NOT NULL,
    line integer NOT NULL,
    centre text NOT NULL,
    series text NOT NULL,
    candidate text NOT NULL,
    uci text NOT NULL,
    option text NOT NULL,
    kind text NOT NULL,
    band text NOT NULL,
    pence bigint NOT NULL,
    entry_pence bigint NOT NULL,
    ended_by bigint
);


--
-- Name: COLUMN entries.series; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.entries.series IS 'year and month, for example 2024-06';


--
-- Name: COLUMN entries.kind; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.entries.kind IS 'internal, external or cash_in';


--
-- Name: COLUMN entries.band; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.entries.band IS 'of the file in which the entry first appeared (FEE-1)';


--
-- Name: COLUMN entries.pence; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.entries.pence IS 'charged';


--
-- Name: COLUMN entries.entry_pence; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.entries.entry_pence IS 'of that, without the surcharge';


--
-- Name: entries_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: fee_lines; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.fee_lines (
    id bigint NOT NULL,
    submission_id bigint NOT NULL,
    centre text NOT NULL,
    series text NOT NULL,
    candidate text NOT NULL,
    option text NOT NULL,
    kind text NOT NULL,
    band text NOT NULL,
    pence bigint NOT NULL,
    placeholder boolean NOT NULL
);


--
-- Name: COLUMN fee_lines.kind; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.fee_lines.kind IS 'registration, internal, external, cash_in or refund';


--
-- Name: COLUMN fee_lines.band; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.fee_lines.band IS 'on_time, late or high_late; empty for a refund';


--
-- Name: COLUMN fee_lines.pence; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.fee_lines.pence IS 'negative for a refund';


--
-- Name: COLUMN fee_lines.placeholder; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.fee_lines.placeholder IS 'the price is ours, nobody published it';


--
-- Name: fee_lines_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.fee_lines ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.fee_lines_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: findings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.findings (
    submission_id bigint NOT NULL,
    ordinal integer NOT NULL,
    code text NOT NULL,
    rule text NOT NULL,
    reach text NOT NULL,
    line integer,
    first_column integer,
    last_column integer,
    field text,
    value text,
    message text NOT NULL,
    expected text NOT NULL,
    remedy text NOT NULL,
    candidate text,
    option text
);


--
-- Name: registrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.registrations (
    id bigint NOT NULL,
    submission_id bigint NOT NULL,
    line integer NOT NULL,
    centre text NOT NULL,
    series text NOT NULL,
    candidate text NOT NULL,
    uci text NOT NULL,
    uln text NOT NULL,
    upn text NOT NULL,
    name text NOT NULL,
    born date,
    sex text NOT NULL,
    option text NOT NULL,
    ended_by bigint
);


--
-- Name: COLUMN registrations.series; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.registrations.series IS 'year and month, for example 2023-09';


--
-- Name: COLUMN registrations.uln; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.registrations.uln IS 'empty when there is none';


--
-- Name: COLUMN registrations.name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.registrations.name IS 'normalised (REG-3)';


--
-- Name: COLUMN registrations.option; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.registrations.option IS 'registration code';


--
-- Name: registrations_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.registrations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.registrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: replies; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.replies (
    submission_id bigint NOT NULL,
    name text NOT NULL,
    text text NOT NULL,
    twin text NOT NULL,
    published boolean DEFAULT false NOT NULL
);


--
-- Name: COLUMN replies.twin; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.replies.twin IS 'the same content as JSON';


--
-- Name: submissions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.submissions (
    id bigint NOT NULL,
    centre text NOT NULL,
    file_name text NOT NULL,
    landing_key text NOT NULL,
    kind text NOT NULL,
    received timestamp with time zone NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    letter text,
    awarding_body text,
    series text,
    sequence integer,
    reply_stream text NOT NULL,
    reply_number integer NOT NULL,
    outcome text,
    booked boolean DEFAULT false NOT NULL,
    pence bigint DEFAULT 0 NOT NULL,
    counts jsonb
);


--
-- Name: COLUMN submissions.centre; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.centre IS 'the folder the file landed in';


--
-- Name: COLUMN submissions.kind; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.kind IS 'file, folder or other';


--
-- Name: COLUMN submissions.received; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.received IS 'receipt: decides deadlines';


--
-- Name: COLUMN submissions.awarding_body; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.awarding_body IS 'identifier in the file header';


--
-- Name: COLUMN submissions.series; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.series IS 'series key, for example 6B24';


--
-- Name: COLUMN submissions.reply_stream; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.reply_stream IS 'awarding-body identifier in the reply''s name';


--
-- Name: COLUMN submissions.outcome; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.outcome IS 'null until the file is decided';


--
-- Name: COLUMN submissions.booked; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.booked IS 'something of it was applied';


--
-- Name: COLUMN submissions.pence; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.submissions.pence IS 'charges less refunds';


--
-- Name: submissions_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.submissions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.submissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.alembic_version (version_num) FROM stdin;
0001
\.


--
-- Data for Name: entries; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.entries (id, submission_id, line, centre, series, candidate, uci, option, kind, band, pence, entry_pence, ended_by) FROM stdin;
1	4	3	64123	2024-06	0001	641230230001T	BEN01	internal	on_time	700	700	\N
2	4	3	64123	2024-06	0001	641230230001T	BEN02	internal	on_time	700	700	\N
3	4	3	64123	2024-06	0001	641230230001T	BEN03	external	on_time	1410	1410	\N
4	4	3	64123	2024-06	0001	641230230001T	BEN99	cash_in	on_time	0	0	\N
5	4	4	64123	2024-06	0002	641230220002K	BEN01	internal	on_time	700	700	\N
6	4	4	64123	2024-06	0002	641230220002K	BEN02	internal	on_time	700	700	\N
7	4	4	64123	2024-06	0002	641230220002K	BEN03	external	on_time	1410	1410	\N
8	4	4	64123	2024-06	0002	641230220002K	BEN99	cash_in	on_time	0	0	\N
9	4	5	64123	2024-06	0003	641230230003F	BEN01	internal	on_time	700	700	\N
10	4	5	64123	2024-06	0003	641230230003F	BEN02	internal	on_time	700	700	\N
11	4	5	64123	2024-06	0003	641230230003F	BEN03	external	on_time	1410	1410	\N
12	4	5	64123	2024-06	0003	641230230003F	BEN99	cash_in	on_time	0	0	\N
13	4	6	64123	2024-06	0004	641230220004B	BEN01	internal	on_time	700	700	\N
14	4	6	64123	2024-06	0004	641230220004B	BEN02	internal	on_time	700	700	\N
15	4	6	64123	2024-06	0004	641230220004B	BEN03	external	on_time	1410	1410	\N
16	4	6	64123	2024-06	0004	641230220004B	BEN99	cash_in	on_time	0	0	\N
17	4	7	64123	2024-06	0005	641230220005G	BEN01	internal	on_time	700	700	\N
18	4	7	64123	2024-06	0005	641230220005G	BEN02	internal	on_time	700	700	\N
19	4	7	64123	2024-06	0005	641230220005G	BEN03	external	on_time	1410	1410	\N
20	4	7	64123	2024-06	0005	641230220005G	BEN99	cash_in	on_time	0	0	\N
21	4	8	64123	2024-06	0006	641230230006D	BEN01	internal	on_time	700	700	\N
22	4	8	64123	2024-06	0006	641230230006D	BEN02	internal	on_time	700	700	\N
23	4	8	64123	2024-06	0006	641230230006D	BEN03	external	on_time	1410	1410	\N
24	4	8	64123	2024-06	0006	641230230006D	BEN99	cash_in	on_time	0	0	\N
25	4	9	64123	2024-06	0007	641230230007K	BEN01	internal	on_time	700	700	\N
26	4	9	64123	2024-06	0007	641230230007K	BEN02	internal	on_time	700	700	\N
27	4	9	64123	2024-06	0007	641230230007K	BEN03	external	on_time	1410	1410	\N
28	4	9	64123	2024-06	0007	641230230007K	BEN99	cash_in	on_time	0	0	\N
29	4	10	64123	2024-06	0008	641230220008E	BEN01	internal	on_time	700	700	\N
30	4	10	64123	2024-06	0008	641230220008E	BEN02	internal	on_time	700	700	\N
31	4	10	64123	2024-06	0008	641230220008E	BEN03	external	on_time	1410	1410	\N
32	4	10	64123	2024-06	0008	641230220008E	BEN99	cash_in	on_time	0	0	\N
33	4	11	64123	2024-06	0009	641230230009B	BEN01	internal	on_time	700	700	\N
34	4	11	64123	2024-06	0009	641230230009B	BEN02	internal	on_time	700	700	\N
35	4	11	64123	2024-06	0009	641230230009B	BEN03	external	on_time	1410	1410	\N
36	4	11	64123	2024-06	0009	641230230009B	BEN99	cash_in	on_time	0	0	\N
37	4	12	64123	2024-06	0010	641230220010E	BEN01	internal	on_time	700	700	\N
38	4	12	64123	2024-06	0010	641230220010E	BEN02	internal	on_time	700	700	\N
39	4	12	64123	2024-06	0010	641230220010E	BEN03	external	on_time	1410	1410	\N
40	4	12	64123	2024-06	0010	641230220010E	BEN99	cash_in	on_time	0	0	\N
41	4	13	64123	2024-06	0011	641230230011B	BEN01	internal	on_time	700	700	\N
42	4	13	64123	2024-06	0011	641230230011B	BEN02	internal	on_time	700	700	\N
43	4	13	64123	2024-06	0011	641230230011B	BEN03	external	on_time	1410	1410	\N
44	4	13	64123	2024-06	0011	641230230011B	BEN99	cash_in	on_time	0	0	\N
45	4	14	64123	2024-06	0012	641230220012W	BEN01	internal	on_time	700	700	\N
46	4	14	64123	2024-06	0012	641230220012W	BEN02	internal	on_time	700	700	\N
47	4	14	64123	2024-06	0012	641230220012W	BEN03	external	on_time	1410	1410	\N
48	4	14	64123	2024-06	0012	641230220012W	BEN99	cash_in	on_time	0	0	\N
49	4	15	64123	2024-06	0013	641230220013C	BZH01	internal	on_time	700	700	\N
50	4	15	64123	2024-06	0013	641230220013C	BZH02	internal	on_time	700	700	\N
51	4	15	64123	2024-06	0013	641230220013C	BZH03	external	on_time	1410	1410	\N
52	4	15	64123	2024-06	0013	641230220013C	BZH99	cash_in	on_time	0	0	\N
53	4	16	64123	2024-06	0014	641230220014H	BZH01	internal	on_time	700	700	\N
54	4	16	64123	2024-06	0014	641230220014H	BZH02	internal	on_time	700	700	\N
55	4	16	64123	2024-06	0014	641230220014H	BZH03	external	on_time	1410	1410	\N
56	4	16	64123	2024-06	0014	641230220014H	BZH99	cash_in	on_time	0	0	\N
57	4	17	64123	2024-06	0015	641230220015T	BZH01	internal	on_time	700	700	\N
58	4	17	64123	2024-06	0015	641230220015T	BZH02	internal	on_time	700	700	\N
59	4	17	64123	2024-06	0015	641230220015T	BZH03	external	on_time	1410	1410	\N
60	4	17	64123	2024-06	0015	641230220015T	BZH99	cash_in	on_time	0	0	\N
61	4	18	64123	2024-06	0016	641230220016A	BZH01	internal	on_time	700	700	\N
62	4	18	64123	2024-06	0016	641230220016A	BZH02	internal	on_time	700	700	\N
63	4	18	64123	2024-06	0016	641230220016A	BZH03	external	on_time	1410	1410	\N
64	4	18	64123	2024-06	0016	641230220016A	BZH99	cash_in	on_time	0	0	\N
65	4	19	64123	2024-06	0017	641230220017F	BZH01	internal	on_time	700	700	\N
66	4	19	64123	2024-06	0017	641230220017F	BZH02	internal	on_time	700	700	\N
67	4	19	64123	2024-06	0017	641230220017F	BZH03	external	on_time	1410	1410	\N
68	4	19	64123	2024-06	0017	641230220017F	BZH99	cash_in	on_time	0	0	\N
69	4	20	64123	2024-06	0018	641230220018M	BZH01	internal	on_time	700	700	\N
70	4	20	64123	2024-06	0018	641230220018M	BZH02	internal	on_time	700	700	\N
71	4	20	64123	2024-06	0018	641230220018M	BZH03	external	on_time	1410	1410	\N
72	4	20	64123	2024-06	0018	641230220018M	BZH99	cash_in	on_time	0	0	\N
73	4	21	64123	2024-06	0019	641230220019X	BZH01	internal	on_time	700	700	\N
74	4	21	64123	2024-06	0019	641230220019X	BZH02	internal	on_time	700	700	\N
75	4	21	64123	2024-06	0019	641230220019X	BZH03	external	on_time	1410	1410	\N
76	4	21	64123	2024-06	0019	641230220019X	BZH99	cash_in	on_time	0	0	\N
77	4	22	64123	2024-06	0020	641230230020C	BZH01	internal	on_time	700	700	\N
78	4	22	64123	2024-06	0020	641230230020C	BZH02	internal	on_time	700	700	\N
79	4	22	64123	2024-06	0020	641230230020C	BZH03	external	on_time	1410	1410	\N
80	4	22	64123	2024-06	0020	641230230020C	BZH99	cash_in	on_time	0	0	\N
81	4	23	64123	2024-06	0021	641230230021H	BEN01	internal	on_time	700	700	\N
82	4	23	64123	2024-06	0021	641230230021H	BEN02	internal	on_time	700	700	\N
83	4	23	64123	2024-06	0021	641230230021H	BEN03	external	on_time	1410	1410	\N
84	4	23	64123	2024-06	0021	641230230021H	BEN99	cash_in	on_time	0	0	\N
85	4	23	64123	2024-06	0021	641230230021H	BZS01	internal	on_time	700	700	\N
86	4	23	64123	2024-06	0021	641230230021H	BZS02	internal	on_time	700	700	\N
87	4	23	64123	2024-06	0021	641230230021H	BZS03	external	on_time	1410	1410	\N
88	4	23	64123	2024-06	0021	641230230021H	BZS99	cash_in	on_time	0	0	\N
89	4	24	64123	2024-06	0022	641230230022T	BEN01	internal	on_time	700	700	\N
90	4	24	64123	2024-06	0022	641230230022T	BEN02	internal	on_time	700	700	\N
91	4	24	64123	2024-06	0022	641230230022T	BEN03	external	on_time	1410	1410	\N
92	4	24	64123	2024-06	0022	641230230022T	BEN99	cash_in	on_time	0	0	\N
93	4	24	64123	2024-06	0022	641230230022T	BZS01	internal	on_time	700	700	\N
94	4	24	64123	2024-06	0022	641230230022T	BZS02	internal	on_time	700	700	\N
95	4	24	64123	2024-06	0022	641230230022T	BZS03	external	on_time	1410	1410	\N
96	4	24	64123	2024-06	0022	641230230022T	BZS99	cash_in	on_time	0	0	\N
97	4	25	64123	2024-06	0023	641230230023A	BEN01	internal	on_time	700	700	\N
98	4	25	64123	2024-06	0023	641230230023A	BEN02	internal	on_time	700	700	\N
99	4	25	64123	2024-06	0023	641230230023A	BEN03	external	on_time	1410	1410	\N
100	4	25	64123	2024-06	0023	641230230023A	BEN99	cash_in	on_time	0	0	\N
101	4	25	64123	2024-06	0023	641230230023A	BZS01	internal	on_time	700	700	\N
102	4	25	64123	2024-06	0023	641230230023A	BZS02	internal	on_time	700	700	\N
103	4	25	64123	2024-06	0023	641230230023A	BZS03	external	on_time	1410	1410	\N
104	4	25	64123	2024-06	0023	641230230023A	BZS99	cash_in	on_time	0	0	\N
105	4	26	64123	2024-06	0024	641230220024V	BEN01	internal	on_time	700	700	\N
106	4	26	64123	2024-06	0024	641230220024V	BEN02	internal	on_time	700	700	\N
107	4	26	64123	2024-06	0024	641230220024V	BEN03	external	on_time	1410	1410	\N
108	4	26	64123	2024-06	0024	641230220024V	BEN99	cash_in	on_time	0	0	\N
109	4	26	64123	2024-06	0024	641230220024V	BZS01	internal	on_time	700	700	\N
110	4	26	64123	2024-06	0024	641230220024V	BZS02	internal	on_time	700	700	\N
111	4	26	64123	2024-06	0024	641230220024V	BZS03	external	on_time	1410	1410	\N
112	4	26	64123	2024-06	0024	641230220024V	BZS99	cash_in	on_time	0	0	\N
113	4	27	64123	2024-06	0025	641230220025B	BEN01	internal	on_time	700	700	\N
114	4	27	64123	2024-06	0025	641230220025B	BEN02	internal	on_time	700	700	\N
115	4	27	64123	2024-06	0025	641230220025B	BEN03	external	on_time	1410	1410	\N
116	4	27	64123	2024-06	0025	641230220025B	BEN99	cash_in	on_time	0	0	\N
117	4	27	64123	2024-06	0025	641230220025B	BZS01	internal	on_time	700	700	\N
118	4	27	64123	2024-06	0025	641230220025B	BZS02	internal	on_time	700	700	\N
119	4	27	64123	2024-06	0025	641230220025B	BZS03	external	on_time	1410	1410	\N
120	4	27	64123	2024-06	0025	641230220025B	BZS99	cash_in	on_time	0	0	\N
121	4	28	64123	2024-06	0026	641230230026X	BEN01	internal	on_time	700	700	\N
122	4	28	64123	2024-06	0026	641230230026X	BEN02	internal	on_time	700	700	\N
123	4	28	64123	2024-06	0026	641230230026X	BEN03	external	on_time	1410	1410	\N
124	4	28	64123	2024-06	0026	641230230026X	BEN99	cash_in	on_time	0	0	\N
125	4	28	64123	2024-06	0026	641230230026X	BZS01	internal	on_time	700	700	\N
126	4	28	64123	2024-06	0026	641230230026X	BZS02	internal	on_time	700	700	\N
127	4	28	64123	2024-06	0026	641230230026X	BZS03	external	on_time	1410	1410	\N
128	4	28	64123	2024-06	0026	641230230026X	BZS99	cash_in	on_time	0	0	\N
129	4	29	64123	2024-06	0027	641230220027R	BZC01	internal	on_time	700	700	\N
130	4	29	64123	2024-06	0027	641230220027R	BZC02	internal	on_time	700	700	\N
131	4	29	64123	2024-06	0027	641230220027R	BZC03	external	on_time	1410	1410	\N
132	4	29	64123	2024-06	0027	641230220027R	BZC99	cash_in	on_time	0	0	\N
133	4	30	64123	2024-06	0028	641230220028Y	BZC01	internal	on_time	700	700	\N
134	4	30	64123	2024-06	0028	641230220028Y	BZC02	internal	on_time	700	700	\N
135	4	30	64123	2024-06	0028	641230220028Y	BZC03	external	on_time	1410	1410	\N
136	4	30	64123	2024-06	0028	641230220028Y	BZC99	cash_in	on_time	0	0	\N
137	4	31	64123	2024-06	0029	641230230029V	BZC01	internal	on_time	700	700	\N
138	4	31	64123	2024-06	0029	641230230029V	BZC02	internal	on_time	700	700	\N
139	4	31	64123	2024-06	0029	641230230029V	BZC03	external	on_time	1410	1410	\N
140	4	31	64123	2024-06	0029	641230230029V	BZC99	cash_in	on_time	0	0	\N
141	4	32	64123	2024-06	0030	641230230030K	BEN01	internal	on_time	700	700	\N
142	4	32	64123	2024-06	0030	641230230030K	BEN02	internal	on_time	700	700	\N
143	4	32	64123	2024-06	0030	641230230030K	BEN03	external	on_time	1410	1410	\N
144	4	32	64123	2024-06	0030	641230230030K	BEN99	cash_in	on_time	0	0	\N
145	4	32	64123	2024-06	0030	641230230030K	BZH01	internal	on_time	700	700	\N
146	4	32	64123	2024-06	0030	641230230030K	BZH02	internal	on_time	700	700	\N
147	4	32	64123	2024-06	0030	641230230030K	BZH03	external	on_time	1410	1410	\N
148	4	32	64123	2024-06	0030	641230230030K	BZH99	cash_in	on_time	0	0	\N
149	4	32	64123	2024-06	0030	641230230030K	BZS01	internal	on_time	700	700	\N
150	4	32	64123	2024-06	0030	641230230030K	BZS02	internal	on_time	700	700	\N
151	4	32	64123	2024-06	0030	641230230030K	BZS03	external	on_time	1410	1410	\N
152	4	32	64123	2024-06	0030	641230230030K	BZS99	cash_in	on_time	0	0	\N
153	4	33	64123	2024-06	0030	641230230030K	BZC01	internal	on_time	700	700	\N
154	4	33	64123	2024-06	0030	641230230030K	BZC02	internal	on_time	700	700	\N
155	4	33	64123	2024-06	0030	641230230030K	BZC03	external	on_time	1410	1410	\N
156	4	33	64123	2024-06	0030	641230230030K	BZC99	cash_in	on_time	0	0	\N
157	4	33	64123	2024-06	0030	641230230030K	BZA01	internal	on_time	700	700	\N
158	4	33	64123	2024-06	0030	641230230030K	BZA02	external	on_time	1410	1410	\N
159	4	33	64123	2024-06	0030	641230230030K	BZA99	cash_in	on_time	0	0	\N
160	5	3	58201	2024-06	0001	582010220001R	BZH01	internal	late	1050	700	\N
161	5	3	58201	2024-06	0001	582010220001R	BZH02	internal	late	1050	700	\N
162	5	3	58201	2024-06	0001	582010220001R	BZH03	external	late	2125	1410	\N
163	5	3	58201	2024-06	0001	582010220001R	BZH99	cash_in	late	0	0	\N
164	5	4	58201	2024-06	0002	582010230002K	BZH01	internal	late	1050	700	\N
165	5	4	58201	2024-06	0002	582010230002K	BZH02	internal	late	1050	700	\N
166	5	4	58201	2024-06	0002	582010230002K	BZH03	external	late	2125	1410	\N
167	5	4	58201	2024-06	0002	582010230002K	BZH99	cash_in	late	0	0	\N
168	5	5	58201	2024-06	0003	582010220003E	BZH01	internal	late	1050	700	\N
169	5	5	58201	2024-06	0003	582010220003E	BZH02	internal	late	1050	700	\N
170	5	5	58201	2024-06	0003	582010220003E	BZH03	external	late	2125	1410	\N
171	5	5	58201	2024-06	0003	582010220003E	BZH99	cash_in	late	0	0	\N
172	5	7	58201	2024-06	0005	582010220005W	BZH01	internal	late	1050	700	\N
173	5	7	58201	2024-06	0005	582010220005W	BZH02	internal	late	1050	700	\N
174	5	7	58201	2024-06	0005	582010220005W	BZH03	external	late	2125	1410	\N
175	5	7	58201	2024-06	0005	582010220005W	BZH99	cash_in	late	0	0	\N
176	5	8	58201	2024-06	0006	582010230006R	BZH01	internal	late	1050	700	\N
177	5	8	58201	2024-06	0006	582010230006R	BZH02	internal	late	1050	700	\N
178	5	8	58201	2024-06	0006	582010230006R	BZH03	external	late	2125	1410	\N
179	5	8	58201	2024-06	0006	582010230006R	BZH99	cash_in	late	0	0	\N
180	5	9	58201	2024-06	0007	582010220007H	BZH01	internal	late	1050	700	\N
181	5	9	58201	2024-06	0007	582010220007H	BZH02	internal	late	1050	700	\N
182	5	9	58201	2024-06	0007	582010220007H	BZH03	external	late	2125	1410	\N
183	5	9	58201	2024-06	0007	582010220007H	BZH99	cash_in	late	0	0	\N
184	5	10	58201	2024-06	0008	582010220008T	BZH01	internal	late	1050	700	\N
185	5	10	58201	2024-06	0008	582010220008T	BZH02	internal	late	1050	700	\N
186	5	10	58201	2024-06	0008	582010220008T	BZH03	external	late	2125	1410	\N
187	5	10	58201	2024-06	0008	582010220008T	BZH99	cash_in	late	0	0	\N
188	5	11	58201	2024-06	0009	582010230009L	BZH01	internal	late	1050	700	\N
189	5	11	58201	2024-06	0009	582010230009L	BZH02	internal	late	1050	700	\N
190	5	11	58201	2024-06	0009	582010230009L	BZH03	external	late	2125	1410	\N
191	5	11	58201	2024-06	0009	582010230009L	BZH99	cash_in	late	0	0	\N
192	5	13	58201	2024-06	0011	582010220011A	BZH01	internal	late	1050	700	\N
193	5	13	58201	2024-06	0011	582010220011A	BZH02	internal	late	1050	700	\N
194	5	13	58201	2024-06	0011	582010220011A	BZH03	external	late	2125	1410	\N
195	5	13	58201	2024-06	0011	582010220011A	BZH99	cash_in	late	0	0	\N
196	5	14	58201	2024-06	0012	582010220012F	BZH01	internal	late	1050	700	\N
197	5	14	58201	2024-06	0012	582010220012F	BZH02	internal	late	1050	700	\N
198	5	14	58201	2024-06	0012	582010220012F	BZH03	external	late	2125	1410	\N
199	5	14	58201	2024-06	0012	582010220012F	BZH99	cash_in	late	0	0	\N
200	5	15	58201	2024-06	0013	582010230013C	BZH01	internal	late	1050	700	\N
201	5	15	58201	2024-06	0013	582010230013C	BZH02	internal	late	1050	700	\N
202	5	15	58201	2024-06	0013	582010230013C	BZH03	external	late	2125	1410	\N
203	5	15	58201	2024-06	0013	582010230013C	BZH99	cash_in	late	0	0	\N
204	5	16	58201	2024-06	0014	582010220014X	BZH01	internal	late	1050	700	\N
205	5	16	58201	2024-06	0014	582010220014X	BZH02	internal	late	1050	700	\N
206	5	16	58201	2024-06	0014	582010220014X	BZH03	external	late	2125	1410	\N
207	5	16	58201	2024-06	0014	582010220014X	BZH99	cash_in	late	0	0	\N
\.


--
-- Data for Name: fee_lines; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.fee_lines (id, submission_id, centre, series, candidate, option, kind, band, pence, placeholder) FROM stdin;
1	1	64123	2023-09	0001	BEN22	registration	on_time	2400	t
2	1	64123	2023-09	0002	BEN22	registration	on_time	2400	t
3	1	64123	2023-09	0003	BEN22	registration	on_time	2400	t
4	1	64123	2023-09	0004	BEN22	registration	on_time	2400	t
5	1	64123	2023-09	0005	BEN22	registration	on_time	2400	t
6	1	64123	2023-09	0006	BEN22	registration	on_time	2400	t
7	1	64123	2023-09	0007	BEN22	registration	on_time	2400	t
8	1	64123	2023-09	0008	BEN22	registration	on_time	2400	t
9	1	64123	2023-09	0009	BEN22	registration	on_time	2400	t
10	1	64123	2023-09	0010	BEN22	registration	on_time	2400	t
11	1	64123	2023-09	0011	BEN22	registration	on_time	2400	t
12	1	64123	2023-09	0012	BEN22	registration	on_time	2400	t
13	1	64123	2023-09	0013	BZH22	registration	on_time	2400	t
14	1	64123	2023-09	0014	BZH22	registration	on_time	2400	t
15	1	64123	2023-09	0015	BZH22	registration	on_time	2400	t
16	1	64123	2023-09	0016	BZH22	registration	on_time	2400	t
17	1	64123	2023-09	0017	BZH22	registration	on_time	2400	t
18	1	64123	2023-09	0018	BZH22	registration	on_time	2400	t
19	1	64123	2023-09	0019	BZH22	registration	on_time	2400	t
20	1	64123	2023-09	0020	BZH22	registration	on_time	2400	t
21	1	64123	2023-09	0021	BEN22	registration	on_time	2400	t
22	1	64123	2023-09	0021	BZS22	registration	on_time	2400	t
23	1	64123	2023-09	0022	BEN22	registration	on_time	2400	t
24	1	64123	2023-09	0022	BZS22	registration	on_time	2400	t
25	1	64123	2023-09	0023	BEN22	registration	on_time	2400	t
26	1	64123	2023-09	0023	BZS22	registration	on_time	2400	t
27	1	64123	2023-09	0024	BEN22	registration	on_time	2400	t
28	1	64123	2023-09	0024	BZS22	registration	on_time	2400	t
29	1	64123	2023-09	0025	BEN22	registration	on_time	2400	t
30	1	64123	2023-09	0025	BZS22	registration	on_time	2400	t
31	1	64123	2023-09	0026	BEN22	registration	on_time	2400	t
32	1	64123	2023-09	0026	BZS22	registration	on_time	2400	t
33	1	64123	2023-09	0027	BZC22	registration	on_time	2400	t
34	1	64123	2023-09	0028	BZC22	registration	on_time	2400	t
35	1	64123	2023-09	0029	BZC22	registration	on_time	2400	t
36	1	64123	2023-09	0030	BEN22	registration	on_time	2400	t
37	1	64123	2023-09	0030	BZH22	registration	on_time	2400	t
38	1	64123	2023-09	0030	BZS22	registration	on_time	2400	t
39	1	64123	2023-09	0030	BZC22	registration	on_time	2400	t
40	1	64123	2023-09	0030	BZA22	registration	on_time	2400	t
41	2	58201	2023-09	0001	BZH22	registration	on_time	2400	t
42	2	58201	2023-09	0002	BZH22	registration	on_time	2400	t
43	2	58201	2023-09	0003	BZH22	registration	on_time	2400	t
44	2	58201	2023-09	0004	BZH22	registration	on_time	2400	t
45	2	58201	2023-09	0005	BZH22	registration	on_time	2400	t
46	2	58201	2023-09	0006	BZH22	registration	on_time	2400	t
47	2	58201	2023-09	0007	BZH22	registration	on_time	2400	t
48	2	58201	2023-09	0008	BZH22	registration	on_time	2400	t
49	2	58201	2023-09	0009	BZH22	registration	on_time	2400	t
50	2	58201	2023-09	0010	BZH22	registration	on_time	2400	t
51	2	58201	2023-09	0011	BZH22	registration	on_time	2400	t
52	2	58201	2023-09	0012	BZH22	registration	on_time	2400	t
53	2	58201	2023-09	0013	BZH22	registration	on_time	2400	t
54	2	58201	2023-09	0014	BZH22	registration	on_time	2400	t
55	3	40807	2023-09	0001	BZM22	registration	on_time	2400	t
56	3	40807	2023-09	0002	BZM22	registration	on_time	2400	t
57	3	40807	2023-09	0003	BZM22	registration	on_time	2400	t
58	3	40807	2023-09	0004	BZM22	registration	on_time	2400	t
59	3	40807	2023-09	0005	BZM22	registration	on_time	2400	t
60	3	40807	2023-09	0006	BZM22	registration	on_time	2400	t
61	3	40807	2023-09	0007	BZM22	registration	on_time	2400	t
62	3	40807	2023-09	0008	BZM22	registration	on_time	2400	t
63	4	64123	2024-06	0001	BEN01	internal	on_time	700	t
64	4	64123	2024-06	0001	BEN02	internal	on_time	700	t
65	4	64123	2024-06	0001	BEN03	external	on_time	1410	t
66	4	64123	2024-06	0001	BEN99	cash_in	on_time	0	f
67	4	64123	2024-06	0002	BEN01	internal	on_time	700	t
68	4	64123	2024-06	0002	BEN02	internal	on_time	700	t
69	4	64123	2024-06	0002	BEN03	external	on_time	1410	t
70	4	64123	2024-06	0002	BEN99	cash_in	on_time	0	f
71	4	64123	2024-06	0003	BEN01	internal	on_time	700	t
72	4	64123	2024-06	0003	BEN02	internal	on_time	700	t
73	4	64123	2024-06	0003	BEN03	external	on_time	1410	t
74	4	64123	2024-06	0003	BEN99	cash_in	on_time	0	f
75	4	64123	2024-06	0004	BEN01	internal	on_time	700	t
76	4	64123	2024-06	0004	BEN02	internal	on_time	700	t
77	4	64123	2024-06	0004	BEN03	external	on_time	1410	t
78	4	64123	2024-06	0004	BEN99	cash_in	on_time	0	f
79	4	64123	2024-06	0005	BEN01	internal	on_time	700	t
80	4	64123	2024-06	0005	BEN02	internal	on_time	700	t
81	4	64123	2024-06	0005	BEN03	external	on_time	1410	t
82	4	64123	2024-06	0005	BEN99	cash_in	on_time	0	f
83	4	64123	2024-06	0006	BEN01	internal	on_time	700	t
84	4	64123	2024-06	0006	BEN02	internal	on_time	700	t
85	4	64123	2024-06	0006	BEN03	external	on_time	1410	t
86	4	64123	2024-06	0006	BEN99	cash_in	on_time	0	f
87	4	64123	2024-06	0007	BEN01	internal	on_time	700	t
88	4	64123	2024-06	0007	BEN02	internal	on_time	700	t
89	4	64123	2024-06	0007	BEN03	external	on_time	1410	t
90	4	64123	2024-06	0007	BEN99	cash_in	on_time	0	f
91	4	64123	2024-06	0008	BEN01	internal	on_time	700	t
92	4	64123	2024-06	0008	BEN02	internal	on_time	700	t
93	4	64123	2024-06	0008	BEN03	external	on_time	1410	t
94	4	64123	2024-06	0008	BEN99	cash_in	on_time	0	f
95	4	64123	2024-06	0009	BEN01	internal	on_time	700	t
96	4	64123	2024-06	0009	BEN02	internal	on_time	700	t
97	4	64123	2024-06	0009	BEN03	external	on_time	1410	t
98	4	64123	2024-06	0009	BEN99	cash_in	on_time	0	f
99	4	64123	2024-06	0010	BEN01	internal	on_time	700	t
100	4	64123	2024-06	0010	BEN02	internal	on_time	700	t
101	4	64123	2024-06	0010	BEN03	external	on_time	1410	t
102	4	64123	2024-06	0010	BEN99	cash_in	on_time	0	f
103	4	64123	2024-06	0011	BEN01	internal	on_time	700	t
104	4	64123	2024-06	0011	BEN02	internal	on_time	700	t
105	4	64123	2024-06	0011	BEN03	external	on_time	1410	t
106	4	64123	2024-06	0011	BEN99	cash_in	on_time	0	f
107	4	64123	2024-06	0012	BEN01	internal	on_time	700	t
108	4	64123	2024-06	0012	BEN02	internal	on_time	700	t
109	4	64123	2024-06	0012	BEN03	external	on_time	1410	t
110	4	64123	2024-06	0012	BEN99	cash_in	on_time	0	f
111	4	64123	2024-06	0013	BZH01	internal	on_time	700	t
112	4	64123	2024-06	0013	BZH02	internal	on_time	700	t
113	4	64123	2024-06	0013	BZH03	external	on_time	1410	t
114	4	64123	2024-06	0013	BZH99	cash_in	on_time	0	f
115	4	64123	2024-06	0014	BZH01	internal	on_time	700	t
116	4	64123	2024-06	0014	BZH02	internal	on_time	700	t
117	4	64123	2024-06	0014	BZH03	external	on_time	1410	t
118	4	64123	2024-06	0014	BZH99	cash_in	on_time	0	f
119	4	64123	2024-06	0015	BZH01	internal	on_time	700	t
120	4	64123	2024-06	0015	BZH02	internal	on_time	700	t
121	4	64123	2024-06	0015	BZH03	external	on_time	1410	t
122	4	64123	2024-06	0015	BZH99	cash_in	on_time	0	f
123	4	64123	2024-06	0016	BZH01	internal	on_time	700	t
124	4	64123	2024-06	0016	BZH02	internal	on_time	700	t
125	4	64123	2024-06	0016	BZH03	external	on_time	1410	t
126	4	64123	2024-06	0016	BZH99	cash_in	on_time	0	f
127	4	64123	2024-06	0017	BZH01	internal	on_time	700	t
128	4	64123	2024-06	0017	BZH02	internal	on_time	700	t
129	4	64123	2024-06	0017	BZH03	external	on_time	1410	t
130	4	64123	2024-06	0017	BZH99	cash_in	on_time	0	f
131	4	64123	2024-06	0018	BZH01	internal	on_time	700	t
132	4	64123	2024-06	0018	BZH02	internal	on_time	700	t
133	4	64123	2024-06	0018	BZH03	external	on_time	1410	t
134	4	64123	2024-06	0018	BZH99	cash_in	on_time	0	f
135	4	64123	2024-06	0019	BZH01	internal	on_time	700	t
136	4	64123	2024-06	0019	BZH02	internal	on_time	700	t
137	4	64123	2024-06	0019	BZH03	external	on_time	1410	t
138	4	64123	2024-06	0019	BZH99	cash_in	on_time	0	f
139	4	64123	2024-06	0020	BZH01	internal	on_time	700	t
140	4	64123	2024-06	0020	BZH02	internal	on_time	700	t
141	4	64123	2024-06	0020	BZH03	external	on_time	1410	t
142	4	64123	2024-06	0020	BZH99	cash_in	on_time	0	f
143	4	64123	2024-06	0021	BEN01	internal	on_time	700	t
144	4	64123	2024-06	0021	BEN02	internal	on_time	700	t
145	4	64123	2024-06	0021	BEN03	external	on_time	1410	t
146	4	64123	2024-06	0021	BEN99	cash_in	on_time	0	f
147	4	64123	2024-06	0021	BZS01	internal	on_time	700	t
148	4	64123	2024-06	0021	BZS02	internal	on_time	700	t
149	4	64123	2024-06	0021	BZS03	external	on_time	1410	t
150	4	64123	2024-06	0021	BZS99	cash_in	on_time	0	f
151	4	64123	2024-06	0022	BEN01	internal	on_time	700	t
152	4	64123	2024-06	0022	BEN02	internal	on_time	700	t
153	4	64123	2024-06	0022	BEN03	external	on_time	1410	t
154	4	64123	2024-06	0022	BEN99	cash_in	on_time	0	f
155	4	64123	2024-06	0022	BZS01	internal	on_time	700	t
156	4	64123	2024-06	0022	BZS02	internal	on_time	700	t
157	4	64123	2024-06	0022	BZS03	external	on_time	1410	t
158	4	64123	2024-06	0022	BZS99	cash_in	on_time	0	f
159	4	64123	2024-06	0023	BEN01	internal	on_time	700	t
160	4	64123	2024-06	0023	BEN02	internal	on_time	700	t
161	4	64123	2024-06	0023	BEN03	external	on_time	1410	t
162	4	64123	2024-06	0023	BEN99	cash_in	on_time	0	f
163	4	64123	2024-06	0023	BZS01	internal	on_time	700	t
164	4	64123	2024-06	0023	BZS02	internal	on_time	700	t
165	4	64123	2024-06	0023	BZS03	external	on_time	1410	t
166	4	64123	2024-06	0023	BZS99	cash_in	on_time	0	f
167	4	64123	2024-06	0024	BEN01	internal	on_time	700	t
168	4	64123	2024-06	0024	BEN02	internal	on_time	700	t
169	4	64123	2024-06	0024	BEN03	external	on_time	1410	t
170	4	64123	2024-06	0024	BEN99	cash_in	on_time	0	f
171	4	64123	2024-06	0024	BZS01	internal	on_time	700	t
172	4	64123	2024-06	0024	BZS02	internal	on_time	700	t
173	4	64123	2024-06	0024	BZS03	external	on_time	1410	t
174	4	64123	2024-06	0024	BZS99	cash_in	on_time	0	f
175	4	64123	2024-06	0025	BEN01	internal	on_time	700	t
176	4	64123	2024-06	0025	BEN02	internal	on_time	700	t
177	4	64123	2024-06	0025	BEN03	external	on_time	1410	t
178	4	64123	2024-06	0025	BEN99	cash_in	on_time	0	f
179	4	64123	2024-06	0025	BZS01	internal	on_time	700	t
180	4	64123	2024-06	0025	BZS02	internal	on_time	700	t
181	4	64123	2024-06	0025	BZS03	external	on_time	1410	t
182	4	64123	2024-06	0025	BZS99	cash_in	on_time	0	f
183	4	64123	2024-06	0026	BEN01	internal	on_time	700	t
184	4	64123	2024-06	0026	BEN02	internal	on_time	700	t
185	4	64123	2024-06	0026	BEN03	external	on_time	1410	t
186	4	64123	2024-06	0026	BEN99	cash_in	on_time	0	f
187	4	64123	2024-06	0026	BZS01	internal	on_time	700	t
188	4	64123	2024-06	0026	BZS02	internal	on_time	700	t
189	4	64123	2024-06	0026	BZS03	external	on_time	1410	t
190	4	64123	2024-06	0026	BZS99	cash_in	on_time	0	f
191	4	64123	2024-06	0027	BZC01	internal	on_time	700	t
192	4	64123	2024-06	0027	BZC02	internal	on_time	700	t
193	4	64123	2024-06	0027	BZC03	external	on_time	1410	t
194	4	64123	2024-06	0027	BZC99	cash_in	on_time	0	f
195	4	64123	2024-06	0028	BZC01	internal	on_time	700	t
196	4	64123	2024-06	0028	BZC02	internal	on_time	700	t
197	4	64123	2024-06	0028	BZC03	external	on_time	1410	t
198	4	64123	2024-06	0028	BZC99	cash_in	on_time	0	f
199	4	64123	2024-06	0029	BZC01	internal	on_time	700	t
200	4	64123	2024-06	0029	BZC02	internal	on_time	700	t
201	4	64123	2024-06	0029	BZC03	external	on_time	1410	t
202	4	64123	2024-06	0029	BZC99	cash_in	on_time	0	f
203	4	64123	2024-06	0030	BEN01	internal	on_time	700	t
204	4	64123	2024-06	0030	BEN02	internal	on_time	700	t
205	4	64123	2024-06	0030	BEN03	external	on_time	1410	t
206	4	64123	2024-06	0030	BEN99	cash_in	on_time	0	f
207	4	64123	2024-06	0030	BZH01	internal	on_time	700	t
208	4	64123	2024-06	0030	BZH02	internal	on_time	700	t
209	4	64123	2024-06	0030	BZH03	external	on_time	1410	t
210	4	64123	2024-06	0030	BZH99	cash_in	on_time	0	f
211	4	64123	2024-06	0030	BZS01	internal	on_time	700	t
212	4	64123	2024-06	0030	BZS02	internal	on_time	700	t
213	4	64123	2024-06	0030	BZS03	external	on_time	1410	t
214	4	64123	2024-06	0030	BZS99	cash_in	on_time	0	f
215	4	64123	2024-06	0030	BZC01	internal	on_time	700	t
216	4	64123	2024-06	0030	BZC02	internal	on_time	700	t
217	4	64123	2024-06	0030	BZC03	external	on_time	1410	t
218	4	64123	2024-06	0030	BZC99	cash_in	on_time	0	f
219	4	64123	2024-06	0030	BZA01	internal	on_time	700	t
220	4	64123	2024-06	0030	BZA02	external	on_time	1410	t
221	4	64123	2024-06	0030	BZA99	cash_in	on_time	0	f
222	5	58201	2024-06	0001	BZH01	internal	late	1050	t
223	5	58201	2024-06	0001	BZH02	internal	late	1050	t
224	5	58201	2024-06	0001	BZH03	external	late	2125	t
225	5	58201	2024-06	0001	BZH99	cash_in	late	0	f
226	5	58201	2024-06	0002	BZH01	internal	late	1050	t
227	5	58201	2024-06	0002	BZH02	internal	late	1050	t
228	5	58201	2024-06	0002	BZH03	external	late	2125	t
229	5	58201	2024-06	0002	BZH99	cash_in	late	0	f
230	5	58201	2024-06	0003	BZH01	internal	late	1050	t
231	5	58201	2024-06	0003	BZH02	internal	late	1050	t
232	5	58201	2024-06	0003	BZH03	external	late	2125	t
233	5	58201	2024-06	0003	BZH99	cash_in	late	0	f
234	5	58201	2024-06	0005	BZH01	internal	late	1050	t
235	5	58201	2024-06	0005	BZH02	internal	late	1050	t
236	5	58201	2024-06	0005	BZH03	external	late	2125	t
237	5	58201	2024-06	0005	BZH99	cash_in	late	0	f
238	5	58201	2024-06	0006	BZH01	internal	late	1050	t
239	5	58201	2024-06	0006	BZH02	internal	late	1050	t
240	5	58201	2024-06	0006	BZH03	external	late	2125	t
241	5	58201	2024-06	0006	BZH99	cash_in	late	0	f
242	5	58201	2024-06	0007	BZH01	internal	late	1050	t
243	5	58201	2024-06	0007	BZH02	internal	late	1050	t
244	5	58201	2024-06	0007	BZH03	external	late	2125	t
245	5	58201	2024-06	0007	BZH99	cash_in	late	0	f
246	5	58201	2024-06	0008	BZH01	internal	late	1050	t
247	5	58201	2024-06	0008	BZH02	internal	late	1050	t
248	5	58201	2024-06	0008	BZH03	external	late	2125	t
249	5	58201	2024-06	0008	BZH99	cash_in	late	0	f
250	5	58201	2024-06	0009	BZH01	internal	late	1050	t
251	5	58201	2024-06	0009	BZH02	internal	late	1050	t
252	5	58201	2024-06	0009	BZH03	external	late	2125	t
253	5	58201	2024-06	0009	BZH99	cash_in	late	0	f
254	5	58201	2024-06	0011	BZH01	internal	late	1050	t
255	5	58201	2024-06	0011	BZH02	internal	late	1050	t
256	5	58201	2024-06	0011	BZH03	external	late	2125	t
257	5	58201	2024-06	0011	BZH99	cash_in	late	0	f
258	5	58201	2024-06	0012	BZH01	internal	late	1050	t
259	5	58201	2024-06	0012	BZH02	internal	late	1050	t
260	5	58201	2024-06	0012	BZH03	external	late	2125	t
261	5	58201	2024-06	0012	BZH99	cash_in	late	0	f
262	5	58201	2024-06	0013	BZH01	internal	late	1050	t
263	5	58201	2024-06	0013	BZH02	internal	late	1050	t
264	5	58201	2024-06	0013	BZH03	external	late	2125	t
265	5	58201	2024-06	0013	BZH99	cash_in	late	0	f
266	5	58201	2024-06	0014	BZH01	internal	late	1050	t
267	5	58201	2024-06	0014	BZH02	internal	late	1050	t
268	5	58201	2024-06	0014	BZH03	external	late	2125	t
269	5	58201	2024-06	0014	BZH99	cash_in	late	0	f
\.


--
-- Data for Name: findings; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.findings (submission_id, ordinal, code, rule, reach, line, first_column, last_column, field, value, message, expected, remedy, candidate, option) FROM stdin;
2	1	NAME_CUT	FIL-4	warning	8	13	52	name	FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE	name "FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE" fills its field of 40 columns and was probably cut off	a name of at most 40 columns, colon included	Nothing to do if it is complete. If not, agree a shorter form with us, for registration and entries alike.	0006	\N
2	2	LAST_LINE_END	FIL-4	note	18	\N	\N	\N	\N	there is no line end after the last record; it was read as complete	CR LF after every record	Nothing to do: the record is whole.	\N	\N
5	1	RECORD_SHIFTED	FIL-4	candidate	6	73	82	\N	2522074139	the record is shifted: the UPN is missing and its columns were not filled with spaces, so that everything after it stands 13 columns too far to the left; "2522074139" was found here	the UPN filled to columns 73-85, then the ULN "2522074139" in columns 86-95	Nothing of this candidate was read. Your software must fill the field with spaces to its full width (tell its supplier); then send the candidate in your next amendment (A) file.	0004	\N
5	2	RECORD_SHIFTED	FIL-4	candidate	12	73	82	\N	3519268956	the record is shifted: the UPN is missing and its columns were not filled with spaces, so that everything after it stands 13 columns too far to the left; "3519268956" was found here	the UPN filled to columns 73-85, then the ULN "3519268956" in columns 86-95	Nothing of this candidate was read. Your software must fill the field with spaces to its full width (tell its supplier); then send the candidate in your next amendment (A) file.	0010	\N
5	3	NAME_CUT	FIL-4	warning	8	13	52	name	FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE	name "FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE" fills its field of 40 columns and was probably cut off	a name of at most 40 columns, colon included	Nothing to do if it is complete. If not, agree a shorter form with us, for registration and entries alike.	0006	\N
5	4	LATE_FEE	FEE-1	note	\N	\N	\N	\N	late	new entries in this file are charged at the late fee: received 26 February 2024 12:00 GMT, after the on-time deadline of 21 February 2024	on-time entries by 21 February 2024 (calendar of 1 July 2023)	Nothing to do.	\N	\N
5	5	LAST_LINE_END	FIL-4	note	18	\N	\N	\N	\N	there is no line end after the last record; it was read as complete	CR LF after every record	Nothing to do: the record is whole.	\N	\N
\.


--
-- Data for Name: registrations; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.registrations (id, submission_id, line, centre, series, candidate, uci, uln, upn, name, born, sex, option, ended_by) FROM stdin;
1	1	3	64123	2023-09	0001	641230230001T	6319305516	A993956818535	NOWAK:MEGAN	2008-07-28	M	BEN22	\N
2	1	4	64123	2023-09	0002	641230220002K	4383851885	C899974019675	TAYLOR:JACK	2009-12-08	M	BEN22	\N
3	1	5	64123	2023-09	0003	641230230003F	4768099806	G824464218967	MCDONALD:PRIYA	2008-10-16	M	BEN22	\N
4	1	6	64123	2023-09	0004	641230220004B	4900832374	F995540718719	TAYLOR:WEI	2007-07-15	M	BEN22	\N
5	1	7	64123	2023-09	0005	641230220005G	8213142844	X863217918101	O'NEILL:MEGAN	2009-05-16	M	BEN22	\N
6	1	8	64123	2023-09	0006	641230230006D	1106908847	C895401719518	WILLIAMS-JONES:JACK	2009-07-14	F	BEN22	\N
7	1	9	64123	2023-09	0007	641230230007K	7519673676	V891841219724	SMITH:WEI	2008-11-20	M	BEN22	\N
8	1	10	64123	2023-09	0008	641230220008E	3010283872	T919399019489	AHMED:MEGAN	2009-12-08	F	BEN22	\N
9	1	11	64123	2023-09	0009	641230230009B	7941659815	C978265318688	DE SOUZA:MOHAMMED	2008-07-23	F	BEN22	\N
10	1	12	64123	2023-09	0010	641230220010E	2206009462	Y837790520453	VAN DER BERG:CHIDI	2009-07-25	M	BEN22	\N
11	1	13	64123	2023-09	0011	641230230011B	3477804839	A963887219997	EVANS:WEI	2008-09-04	F	BEN22	\N
12	1	14	64123	2023-09	0012	641230220012W	4470795975	X902467020556	LI:MOHAMMED	2009-11-17	M	BEN22	\N
13	1	15	64123	2023-09	0013	641230220013C	8466701264	W835288120564	BROWN:JOAO	2008-12-01	F	BZH22	\N
14	1	16	64123	2023-09	0014	641230220014H	4222165548	R864721618049	O'NEILL:LOTTE	2008-01-26	M	BZH22	\N
15	1	17	64123	2023-09	0015	641230220015T	6378912407	E920399620668	VAN DER BERG:LOTTE	2009-10-27	M	BZH22	\N
16	1	18	64123	2023-09	0016	641230220016A	5309204104	U963478918286	AHMED:CHIDI	2007-11-26	F	BZH22	\N
17	1	19	64123	2023-09	0017	641230220017F	1094709955	B995126520002	WILLIAMS-JONES:EMILY ROSE	2007-11-28	F	BZH22	\N
18	1	20	64123	2023-09	0018	641230220018M	5958335412	M979134818015	O'NEILL:JACK	2007-02-05	M	BZH22	\N
19	1	21	64123	2023-09	0019	641230220019X	3426727810	F803849219401	MCDONALD:ISLA	2009-02-19	F	BZH22	\N
20	1	22	64123	2023-09	0020	641230230020C	6253845992	L803134218518	LI:PRIYA	2007-04-17	M	BZH22	\N
21	1	23	64123	2023-09	0021	641230230021H	2707178100	T936493620430	MCDONALD:ISLA	2007-02-06	M	BEN22	\N
22	1	23	64123	2023-09	0021	641230230021H	2707178100	T936493620430	MCDONALD:ISLA	2007-02-06	M	BZS22	\N
23	1	24	64123	2023-09	0022	641230230022T	1306563096	J839788420046	PATEL:SEAN PATRICK	2009-01-10	M	BEN22	\N
24	1	24	64123	2023-09	0022	641230230022T	1306563096	J839788420046	PATEL:SEAN PATRICK	2009-01-10	M	BZS22	\N
25	1	25	64123	2023-09	0023	641230230023A	9086019489	P891712620583	PATEL:MOHAMMED	2008-07-13	F	BEN22	\N
26	1	25	64123	2023-09	0023	641230230023A	9086019489	P891712620583	PATEL:MOHAMMED	2008-07-13	F	BZS22	\N
27	1	26	64123	2023-09	0024	641230220024V	7903214348	Y996687718260	KHAN:MEGAN	2008-07-18	M	BEN22	\N
28	1	26	64123	2023-09	0024	641230220024V	7903214348	Y996687718260	KHAN:MEGAN	2008-07-18	M	BZS22	\N
29	1	27	64123	2023-09	0025	641230220025B	8274325132	U886380019838	LI:SEAN PATRICK	2007-05-20	M	BEN22	\N
30	1	27	64123	2023-09	0025	641230220025B	8274325132	U886380019838	LI:SEAN PATRICK	2007-05-20	M	BZS22	\N
31	1	28	64123	2023-09	0026	641230230026X	3326455568	D980125418373	MCDONALD:JOAO	2009-03-20	F	BEN22	\N
32	1	28	64123	2023-09	0026	641230230026X	3326455568	D980125418373	MCDONALD:JOAO	2009-03-20	F	BZS22	\N
33	1	29	64123	2023-09	0027	641230220027R	7421673163	C801545618349	EVANS:WEI	2007-07-25	M	BZC22	\N
34	1	30	64123	2023-09	0028	641230220028Y	9492631635	G817452319067	EVANS:AGNIESZKA	2008-02-05	F	BZC22	\N
35	1	31	64123	2023-09	0029	641230230029V	4367005800	A996832718962	LI:ZARA	2008-01-10	M	BZC22	\N
36	1	32	64123	2023-09	0030	641230230030K	4299302086	A985491720551	NOWAK:LOTTE	2008-04-16	M	BEN22	\N
37	1	32	64123	2023-09	0030	641230230030K	4299302086	A985491720551	NOWAK:LOTTE	2008-04-16	M	BZH22	\N
38	1	32	64123	2023-09	0030	641230230030K	4299302086	A985491720551	NOWAK:LOTTE	2008-04-16	M	BZS22	\N
39	1	32	64123	2023-09	0030	641230230030K	4299302086	A985491720551	NOWAK:LOTTE	2008-04-16	M	BZC22	\N
40	1	32	64123	2023-09	0030	641230230030K	4299302086	A985491720551	NOWAK:LOTTE	2008-04-16	M	BZA22	\N
41	2	3	58201	2023-09	0001	582010220001R	8810364634	E881704618302	OKAFOR:ZARA	2009-11-18	F	BZH22	\N
42	2	4	58201	2023-09	0002	582010230002K	3515430473	R950384719396	NOWAK:LOTTE	2008-11-12	M	BZH22	\N
43	2	5	58201	2023-09	0003	582010220003E	9862766408	Q822146120891	SMITH:WEI	2009-09-02	F	BZH22	\N
44	2	6	58201	2023-09	0004	582010220004L	2522074139		PATEL:EMILY ROSE	2008-07-03	M	BZH22	\N
45	2	7	58201	2023-09	0005	582010220005W	3253040053	J997595119219	TAYLOR:JACK	2009-02-05	F	BZH22	\N
46	2	8	58201	2023-09	0006	582010230006R	2412742854	W890695719076	FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE	2007-02-08	M	BZH22	\N
47	2	9	58201	2023-09	0007	582010220007H	2032849460	Q864479520677	VAN DER BERG:ZARA	2007-11-22	M	BZH22	\N
48	2	10	58201	2023-09	0008	582010220008T	3961469376	J837620220955	DE SOUZA:WEI	2009-07-20	F	BZH22	\N
49	2	11	58201	2023-09	0009	582010230009L	1927061716	Q802435519507	BROWN:WEI	2007-03-01	F	BZH22	\N
50	2	12	58201	2023-09	0010	582010230010E	3519268956		WILLIAMS-JONES:JACK	2009-08-11	F	BZH22	\N
51	2	13	58201	2023-09	0011	582010220011A	3433211395	D918831718198	EVANS:WEI	2008-01-01	F	BZH22	\N
52	2	14	58201	2023-09	0012	582010220012F	6703573696	T934305018593	OKAFOR:MOHAMMED	2009-09-14	M	BZH22	\N
53	2	15	58201	2023-09	0013	582010230013C	6413585764	D986233218661	VAN DER BERG:CHIDI	2008-04-20	F	BZH22	\N
54	2	16	58201	2023-09	0014	582010220014X	2490667601	P958839718269	DE SOUZA:WEI	2008-07-01	M	BZH22	\N
55	3	3	40807	2023-09	0001	408070220001W	3903536856	H868372920848	OKAFOR:PRIYA	2008-08-06	F	BZM22	\N
56	3	4	40807	2023-09	0002	408070220002C	7035900313	N817512818025	DE SOUZA:WEI	2008-01-01	M	BZM22	\N
57	3	5	40807	2023-09	0003	408070230003Y	6280278017	L824900618407	EVANS:EMILY ROSE	2009-02-13	M	BZM22	\N
58	3	6	40807	2023-09	0004	408070230004E	8895980491	X984975418373	MCDONALD:OLIVIA	2009-01-10	F	BZM22	\N
59	3	7	40807	2023-09	0005	408070220005A	3588539505	B851522419791	WILLIAMS-JONES:OLIVIA	2008-11-26	M	BZM22	\N
60	3	8	40807	2023-09	0006	408070220006F	4957399785	R877115319017	TAYLOR:OLIVIA	2007-08-20	M	BZM22	\N
61	3	9	40807	2023-09	0007	408070220007M	6239893810	M900383919268	PATEL:THOMAS	2009-12-05	M	BZM22	\N
62	3	10	40807	2023-09	0008	408070220008X	3228140821	U802761119122	PATEL:CHIDI	2008-03-19	M	BZM22	\N
\.


--
-- Data for Name: replies; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.replies (submission_id, name, text, twin, published) FROM stdin;
1	X6412313.X01	REPLY X6412313.X01\r\nto centre 64123 about E6412313.X01\r\n\r\nRECEIVED\r\n  File        E6412313.X01\r\n  Size        6,596 bytes\r\n  SHA-256     cfd25addaa62c4997bf53464f96bf73422262a97ca7745e995452834b650ea06\r\n  Time        18 September 2023 12:00 BST\r\n\r\nPROCESSED\r\n  Outcome     ACCEPTED\r\n  Content     entries for registrations 2023/24 (9B23), sequence number 001, written by CERVAL\r\n              103\r\n  Candidates  30 in the file, 30 accepted, 0 refused\r\n  Options     40 new, 0 unchanged, 0 withdrawn, 0 refused\r\n  Next        what changes from here on for registrations 2023/24: an amendment file, number 002\r\n              (A6412313.X02)\r\n\r\nFEES\r\n  registration         on time      40 x  GBP 24.00  =   GBP 960.00 [placeholder]\r\n  total                                              =   GBP 960.00\r\n  [placeholder] marks a price or rule that nobody published; it is the desk's own stand-in.\r\n\r\nFINDINGS  none\r\n	{\n  "name": "X6412313.X01",\n  "centre": "64123",\n  "file": "E6412313.X01",\n  "size": 6596,\n  "sha256": "cfd25addaa62c4997bf53464f96bf73422262a97ca7745e995452834b650ea06",\n  "received": "18 September 2023 12:00 BST",\n  "received_at": "2023-09-18T11:00:00+00:00",\n  "outcome": "accepted",\n  "content": "entries for registrations 2023/24 (9B23), sequence number 001, written by CERVAL 103",\n  "next_file": "what changes from here on for registrations 2023/24: an amendment file, number 002 (A6412313.X02)",\n  "candidates": {\n    "in the file": 30,\n    "accepted": 30,\n    "refused": 0\n  },\n  "options": {\n    "new": 40,\n    "unchanged": 0,\n    "withdrawn": 0,\n    "refused": 0\n  },\n  "fees": [\n    {\n      "kind": "registration",\n      "band": "on_time",\n      "count": 40,\n      "pence_each": 2400,\n      "pence": 96000,\n      "placeholder": true\n    }\n  ],\n  "fee_total_pence": 96000,\n  "findings": []\n}\n	t
2	X5820113.X01	REPLY X5820113.X01\r\nto centre 58201 about E5820113.X01\r\n\r\nRECEIVED\r\n  File        E5820113.X01\r\n  Size        3,490 bytes\r\n  SHA-256     80ef719dbf7c62c45c9603dfe39f7bedff276fff4e40609f572679aba8b7164f\r\n  Time        20 September 2023 12:00 BST\r\n\r\nPROCESSED\r\n  Outcome     ACCEPTED WITH WARNINGS\r\n  Content     entries for registrations 2023/24 (9B23), sequence number 001, written by ASPEN\r\n              6.2\r\n  Candidates  14 in the file, 14 accepted, 0 refused\r\n  Options     14 new, 0 unchanged, 0 withdrawn, 0 refused\r\n  Next        what changes from here on for registrations 2023/24: an amendment file, number 002\r\n              (A5820113.X02)\r\n\r\nFEES\r\n  registration         on time      14 x  GBP 24.00  =   GBP 336.00 [placeholder]\r\n  total                                              =   GBP 336.00\r\n  [placeholder] marks a price or rule that nobody published; it is the desk's own stand-in.\r\n\r\nFINDINGS  1 warning, 1 note\r\n\r\n  1. line 8, columns 13-52, candidate 0006: WARNING\r\n     Name "FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE" fills its field of 40 columns and was\r\n     probably cut off. (FIL-4, NAME_CUT)\r\n     Expected: a name of at most 40 columns, colon included\r\n     To do:    Nothing to do if it is complete. If not, agree a shorter form with us, for\r\n               registration and entries alike.\r\n\r\n  2. line 18: NOTE\r\n     There is no line end after the last record; it was read as complete. (FIL-4, LAST_LINE_END)\r\n     Expected: CR LF after every record\r\n     To do:    Nothing to do: the record is whole.\r\n	{\n  "name": "X5820113.X01",\n  "centre": "58201",\n  "file": "E5820113.X01",\n  "size": 3490,\n  "sha256": "80ef719dbf7c62c45c9603dfe39f7bedff276fff4e40609f572679aba8b7164f",\n  "received": "20 September 2023 12:00 BST",\n  "received_at": "2023-09-20T11:00:00+00:00",\n  "outcome": "accepted with warnings",\n  "content": "entries for registrations 2023/24 (9B23), sequence number 001, written by ASPEN 6.2",\n  "next_file": "what changes from here on for registrations 2023/24: an amendment file, number 002 (A5820113.X02)",\n  "candidates": {\n    "in the file": 14,\n    "accepted": 14,\n    "refused": 0\n  },\n  "options": {\n    "new": 14,\n    "unchanged": 0,\n    "withdrawn": 0,\n    "refused": 0\n  },\n  "fees": [\n    {\n      "kind": "registration",\n      "band": "on_time",\n      "count": 14,\n      "pence_each": 2400,\n      "pence": 33600,\n      "placeholder": true\n    }\n  ],\n  "fee_total_pence": 33600,\n  "findings": [\n    {\n      "code": "NAME_CUT",\n      "rule": "FIL-4",\n      "reach": "warning",\n      "file": "E5820113.X01",\n      "line": 8,\n      "columns": [\n        13,\n        52\n      ],\n      "field": "name",\n      "value": "FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE",\n      "message": "name \\"FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE\\" fills its field of 40 columns and was probably cut off",\n      "expected": "a name of at most 40 columns, colon included",\n      "remedy": "Nothing to do if it is complete. If not, agree a shorter form with us, for registration and entries alike.",\n      "candidate": "0006",\n      "option": null\n    },\n    {\n      "code": "LAST_LINE_END",\n      "rule": "FIL-4",\n      "reach": "note",\n      "file": "E5820113.X01",\n      "line": 18,\n      "columns": null,\n      "field": null,\n      "value": null,\n      "message": "there is no line end after the last record; it was read as complete",\n      "expected": "CR LF after every record",\n      "remedy": "Nothing to do: the record is whole.",\n      "candidate": null,\n      "option": null\n    }\n  ]\n}\n	t
3	X4080713.X01	REPLY X4080713.X01\r\nto centre 40807 about E4080713.X01\r\n\r\nRECEIVED\r\n  File        E4080713.X01\r\n  Size        2,328 bytes\r\n  SHA-256     141ee811255f02d4192c820593c1a9efc8d80367c5eedc79469ac9101e555b8c\r\n  Time        25 September 2023 12:00 BST\r\n\r\nPROCESSED\r\n  Outcome     ACCEPTED\r\n  Content     entries for registrations 2023/24 (9B23), sequence number 001, written by iSAMS\r\n              1.9\r\n  Candidates  8 in the file, 8 accepted, 0 refused\r\n  Options     8 new, 0 unchanged, 0 withdrawn, 0 refused\r\n  Next        what changes from here on for registrations 2023/24: an amendment file, number 002\r\n              (A4080713.X02)\r\n\r\nFEES\r\n  registration         on time       8 x  GBP 24.00  =   GBP 192.00 [placeholder]\r\n  total                                              =   GBP 192.00\r\n  [placeholder] marks a price or rule that nobody published; it is the desk's own stand-in.\r\n\r\nFINDINGS  none\r\n	{\n  "name": "X4080713.X01",\n  "centre": "40807",\n  "file": "E4080713.X01",\n  "size": 2328,\n  "sha256": "141ee811255f02d4192c820593c1a9efc8d80367c5eedc79469ac9101e555b8c",\n  "received": "25 September 2023 12:00 BST",\n  "received_at": "2023-09-25T11:00:00+00:00",\n  "outcome": "accepted",\n  "content": "entries for registrations 2023/24 (9B23), sequence number 001, written by iSAMS 1.9",\n  "next_file": "what changes from here on for registrations 2023/24: an amendment file, number 002 (A4080713.X02)",\n  "candidates": {\n    "in the file": 8,\n    "accepted": 8,\n    "refused": 0\n  },\n  "options": {\n    "new": 8,\n    "unchanged": 0,\n    "withdrawn": 0,\n    "refused": 0\n  },\n  "fees": [\n    {\n      "kind": "registration",\n      "band": "on_time",\n      "count": 8,\n      "pence_each": 2400,\n      "pence": 19200,\n      "placeholder": true\n    }\n  ],\n  "fee_total_pence": 19200,\n  "findings": []\n}\n	t
4	X6412315.X01	REPLY X6412315.X01\r\nto centre 64123 about E6412315.X01\r\n\r\nRECEIVED\r\n  File        E6412315.X01\r\n  Size        6,790 bytes\r\n  SHA-256     a57a5ded19ec1245eca121fada92d1c426cb2ab10d9bcc8ecea070c761ae3668\r\n  Time        15 February 2024 12:00 GMT\r\n\r\nPROCESSED\r\n  Outcome     ACCEPTED\r\n  Content     entries for May/June 2024 (6B24), sequence number 001, written by CERVAL 103\r\n  Candidates  30 in the file, 30 accepted, 0 refused\r\n  Options     159 new, 0 unchanged, 0 withdrawn, 0 refused\r\n  Next        what changes from here on for May/June 2024: an amendment file, number 002\r\n              (A6412315.X02)\r\n\r\nFEES\r\n  certification claim  on time      40 x   GBP 0.00  =     GBP 0.00\r\n  external component   on time      40 x  GBP 14.10  =   GBP 564.00 [placeholder]\r\n  internal component   on time      79 x   GBP 7.00  =   GBP 553.00 [placeholder]\r\n  total                                              = GBP 1,117.00\r\n  [placeholder] marks a price or rule that nobody published; it is the desk's own stand-in.\r\n\r\nFINDINGS  none\r\n	{\n  "name": "X6412315.X01",\n  "centre": "64123",\n  "file": "E6412315.X01",\n  "size": 6790,\n  "sha256": "a57a5ded19ec1245eca121fada92d1c426cb2ab10d9bcc8ecea070c761ae3668",\n  "received": "15 February 2024 12:00 GMT",\n  "received_at": "2024-02-15T12:00:00+00:00",\n  "outcome": "accepted",\n  "content": "entries for May/June 2024 (6B24), sequence number 001, written by CERVAL 103",\n  "next_file": "what changes from here on for May/June 2024: an amendment file, number 002 (A6412315.X02)",\n  "candidates": {\n    "in the file": 30,\n    "accepted": 30,\n    "refused": 0\n  },\n  "options": {\n    "new": 159,\n    "unchanged": 0,\n    "withdrawn": 0,\n    "refused": 0\n  },\n  "fees": [\n    {\n      "kind": "cash_in",\n      "band": "on_time",\n      "count": 40,\n      "pence_each": 0,\n      "pence": 0,\n      "placeholder": false\n    },\n    {\n      "kind": "external",\n      "band": "on_time",\n      "count": 40,\n      "pence_each": 1410,\n      "pence": 56400,\n      "placeholder": true\n    },\n    {\n      "kind": "internal",\n      "band": "on_time",\n      "count": 79,\n      "pence_each": 700,\n      "pence": 55300,\n      "placeholder": true\n    }\n  ],\n  "fee_total_pence": 111700,\n  "findings": []\n}\n	t
5	X5820115.X01	REPLY X5820115.X01\r\nto centre 58201 about E5820115.X01\r\n\r\nRECEIVED\r\n  File        E5820115.X01\r\n  Size        3,490 bytes\r\n  SHA-256     9d8412de167d64b359892b6e53f195cbc144ecda448255a18ebd734c70b96931\r\n  Time        26 February 2024 12:00 GMT\r\n\r\nPROCESSED\r\n  Outcome     PARTLY ACCEPTED\r\n  Content     entries for May/June 2024 (6B24), sequence number 001, written by ASPEN 6.2\r\n  Candidates  14 in the file, 12 accepted, 2 refused\r\n  Options     48 new, 0 unchanged, 0 withdrawn, 0 refused\r\n  Next        what changes from here on for May/June 2024: an amendment file, number 002\r\n              (A5820115.X02)\r\n\r\nFEES\r\n  certification claim  late         12 x   GBP 0.00  =     GBP 0.00\r\n  external component   late         12 x  GBP 21.25  =   GBP 255.00 [placeholder]\r\n  internal component   late         24 x  GBP 10.50  =   GBP 252.00 [placeholder]\r\n  total                                              =   GBP 507.00\r\n  [placeholder] marks a price or rule that nobody published; it is the desk's own stand-in.\r\n\r\nFINDINGS  2 that refuse a candidate, 1 warning, 2 notes\r\n\r\n  1. line 6, columns 73-82, candidate 0004: CANDIDATE REFUSED\r\n     The record is shifted: the UPN is missing and its columns were not filled with spaces, so\r\n     that everything after it stands 13 columns too far to the left; "2522074139" was found\r\n     here. (FIL-4, RECORD_SHIFTED)\r\n     Expected: the UPN filled to columns 73-85, then the ULN "2522074139" in columns 86-95\r\n     To do:    Nothing of this candidate was read. Your software must fill the field with spaces\r\n               to its full width (tell its supplier); then send the candidate in your next\r\n               amendment (A) file.\r\n\r\n  2. line 12, columns 73-82, candidate 0010: CANDIDATE REFUSED\r\n     The record is shifted: the UPN is missing and its columns were not filled with spaces, so\r\n     that everything after it stands 13 columns too far to the left; "3519268956" was found\r\n     here. (FIL-4, RECORD_SHIFTED)\r\n     Expected: the UPN filled to columns 73-85, then the ULN "3519268956" in columns 86-95\r\n     To do:    Nothing of this candidate was read. Your software must fill the field with spaces\r\n               to its full width (tell its supplier); then send the candidate in your next\r\n               amendment (A) file.\r\n\r\n  3. line 8, columns 13-52, candidate 0006: WARNING\r\n     Name "FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE" fills its field of 40 columns and was\r\n     probably cut off. (FIL-4, NAME_CUT)\r\n     Expected: a name of at most 40 columns, colon included\r\n     To do:    Nothing to do if it is complete. If not, agree a shorter form with us, for\r\n               registration and entries alike.\r\n\r\n  4. whole file: NOTE\r\n     New entries in this file are charged at the late fee: received 26 February 2024 12:00 GMT,\r\n     after the on-time deadline of 21 February 2024. (FEE-1, LATE_FEE)\r\n     Expected: on-time entries by 21 February 2024 (calendar of 1 July 2023)\r\n     To do:    Nothing to do.\r\n\r\n  5. line 18: NOTE\r\n     There is no line end after the last record; it was read as complete. (FIL-4, LAST_LINE_END)\r\n     Expected: CR LF after every record\r\n     To do:    Nothing to do: the record is whole.\r\n	{\n  "name": "X5820115.X01",\n  "centre": "58201",\n  "file": "E5820115.X01",\n  "size": 3490,\n  "sha256": "9d8412de167d64b359892b6e53f195cbc144ecda448255a18ebd734c70b96931",\n  "received": "26 February 2024 12:00 GMT",\n  "received_at": "2024-02-26T12:00:00+00:00",\n  "outcome": "partly accepted",\n  "content": "entries for May/June 2024 (6B24), sequence number 001, written by ASPEN 6.2",\n  "next_file": "what changes from here on for May/June 2024: an amendment file, number 002 (A5820115.X02)",\n  "candidates": {\n    "in the file": 14,\n    "accepted": 12,\n    "refused": 2\n  },\n  "options": {\n    "new": 48,\n    "unchanged": 0,\n    "withdrawn": 0,\n    "refused": 0\n  },\n  "fees": [\n    {\n      "kind": "cash_in",\n      "band": "late",\n      "count": 12,\n      "pence_each": 0,\n      "pence": 0,\n      "placeholder": false\n    },\n    {\n      "kind": "external",\n      "band": "late",\n      "count": 12,\n      "pence_each": 2125,\n      "pence": 25500,\n      "placeholder": true\n    },\n    {\n      "kind": "internal",\n      "band": "late",\n      "count": 24,\n      "pence_each": 1050,\n      "pence": 25200,\n      "placeholder": true\n    }\n  ],\n  "fee_total_pence": 50700,\n  "findings": [\n    {\n      "code": "RECORD_SHIFTED",\n      "rule": "FIL-4",\n      "reach": "candidate",\n      "file": "E5820115.X01",\n      "line": 6,\n      "columns": [\n        73,\n        82\n      ],\n      "field": null,\n      "value": "2522074139",\n      "message": "the record is shifted: the UPN is missing and its columns were not filled with spaces, so that everything after it stands 13 columns too far to the left; \\"2522074139\\" was found here",\n      "expected": "the UPN filled to columns 73-85, then the ULN \\"2522074139\\" in columns 86-95",\n      "remedy": "Nothing of this candidate was read. Your software must fill the field with spaces to its full width (tell its supplier); then send the candidate in your next amendment (A) file.",\n      "candidate": "0004",\n      "option": null\n    },\n    {\n      "code": "RECORD_SHIFTED",\n      "rule": "FIL-4",\n      "reach": "candidate",\n      "file": "E5820115.X01",\n      "line": 12,\n      "columns": [\n        73,\n        82\n      ],\n      "field": null,\n      "value": "3519268956",\n      "message": "the record is shifted: the UPN is missing and its columns were not filled with spaces, so that everything after it stands 13 columns too far to the left; \\"3519268956\\" was found here",\n      "expected": "the UPN filled to columns 73-85, then the ULN \\"3519268956\\" in columns 86-95",\n      "remedy": "Nothing of this candidate was read. Your software must fill the field with spaces to its full width (tell its supplier); then send the candidate in your next amendment (A) file.",\n      "candidate": "0010",\n      "option": null\n    },\n    {\n      "code": "NAME_CUT",\n      "rule": "FIL-4",\n      "reach": "warning",\n      "file": "E5820115.X01",\n      "line": 8,\n      "columns": [\n        13,\n        52\n      ],\n      "field": "name",\n      "value": "FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE",\n      "message": "name \\"FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE\\" fills its field of 40 columns and was probably cut off",\n      "expected": "a name of at most 40 columns, colon included",\n      "remedy": "Nothing to do if it is complete. If not, agree a shorter form with us, for registration and entries alike.",\n      "candidate": "0006",\n      "option": null\n    },\n    {\n      "code": "LATE_FEE",\n      "rule": "FEE-1",\n      "reach": "note",\n      "file": "E5820115.X01",\n      "line": null,\n      "columns": null,\n      "field": null,\n      "value": "late",\n      "message": "new entries in this file are charged at the late fee: received 26 February 2024 12:00 GMT, after the on-time deadline of 21 February 2024",\n      "expected": "on-time entries by 21 February 2024 (calendar of 1 July 2023)",\n      "remedy": "Nothing to do.",\n      "candidate": null,\n      "option": null\n    },\n    {\n      "code": "LAST_LINE_END",\n      "rule": "FIL-4",\n      "reach": "note",\n      "file": "E5820115.X01",\n      "line": 18,\n      "columns": null,\n      "field": null,\n      "value": null,\n      "message": "there is no line end after the last record; it was read as complete",\n      "expected": "CR LF after every record",\n      "remedy": "Nothing to do: the record is whole.",\n      "candidate": null,\n      "option": null\n    }\n  ]\n}\n	t
\.


--
-- Data for Name: submissions; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.submissions (id, centre, file_name, landing_key, kind, received, size, sha256, letter, awarding_body, series, sequence, reply_stream, reply_number, outcome, booked, pence, counts) FROM stdin;
1	64123	E6412313.X01	inbox/64123/E6412313.X01	file	2023-09-18 11:00:00+00	6596	cfd25addaa62c4997bf53464f96bf73422262a97ca7745e995452834b650ea06	E	13	9B23	1	13	1	accepted	t	96000	{"warnings": 0, "candidates": 30, "options_new": 40, "options_kept": 0, "options_ended": 0, "options_refused": 0, "candidates_refused": 0}
2	58201	E5820113.X01	inbox/58201/E5820113.X01	file	2023-09-20 11:00:00+00	3490	80ef719dbf7c62c45c9603dfe39f7bedff276fff4e40609f572679aba8b7164f	E	13	9B23	1	13	1	accepted with warnings	t	33600	{"warnings": 1, "candidates": 14, "options_new": 14, "options_kept": 0, "options_ended": 0, "options_refused": 0, "candidates_refused": 0}
3	40807	E4080713.X01	inbox/40807/E4080713.X01	file	2023-09-25 11:00:00+00	2328	141ee811255f02d4192c820593c1a9efc8d80367c5eedc79469ac9101e555b8c	E	13	9B23	1	13	1	accepted	t	19200	{"warnings": 0, "candidates": 8, "options_new": 8, "options_kept": 0, "options_ended": 0, "options_refused": 0, "candidates_refused": 0}
4	64123	E6412315.X01	inbox/64123/E6412315.X01	file	2024-02-15 12:00:00+00	6790	a57a5ded19ec1245eca121fada92d1c426cb2ab10d9bcc8ecea070c761ae3668	E	15	6B24	1	15	1	accepted	t	111700	{"warnings": 0, "candidates": 30, "options_new": 159, "options_kept": 0, "options_ended": 0, "options_refused": 0, "candidates_refused": 0}
5	58201	E5820115.X01	inbox/58201/E5820115.X01	file	2024-02-26 12:00:00+00	3490	9d8412de167d64b359892b6e53f195cbc144ecda448255a18ebd734c70b96931	E	15	6B24	1	15	1	partly accepted	t	50700	{"warnings": 1, "candidates": 14, "options_new": 48, "options_kept": 0, "options_ended": 0, "options_refused": 0, "candidates_refused": 2}
6	40807	E4080715 (1).X01	inbox/40807/E4080715 (1).X01	file	2024-04-23 11:00:00+00	1130	41292b6363f33f32cf79114d31e13bdf7d13c178e76212d85650b4f8e30da115	E	15	6B24	1	15	1	\N	f	0	\N
\.


--
-- Name: entries_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.entries_id_seq', 207, true);


--
-- Name: fee_lines_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.fee_lines_id_seq', 269, true);


--
-- Name: registrations_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.registrations_id_seq', 62, true);


--
-- Name: submissions_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.submissions_id_seq', 6, true);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: entries pk_entries; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT pk_entries PRIMARY KEY (id);


--
-- Name: fee_lines pk_fee_lines; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fee_lines
    ADD CONSTRAINT pk_fee_lines PRIMARY KEY (id);


--
-- Name: findings pk_findings; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.findings
    ADD CONSTRAINT pk_findings PRIMARY KEY (submission_id, ordinal);


--
-- Name: registrations pk_registrations; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.registrations
    ADD CONSTRAINT pk_registrations PRIMARY KEY (id);


--
-- Name: replies pk_replies; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.replies
    ADD CONSTRAINT pk_replies PRIMARY KEY (submission_id);


--
-- Name: submissions pk_submissions; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT pk_submissions PRIMARY KEY (id);


--
-- Name: fee_lines uq_fee_lines_submission_id_candidate_option; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fee_lines
    ADD CONSTRAINT uq_fee_lines_submission_id_candidate_option UNIQUE (submission_id, candidate, option);


--
-- Name: submissions uq_submissions_centre_reply_stream_reply_number; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT uq_submissions_centre_reply_stream_reply_number UNIQUE (centre, reply_stream, reply_number);


--
-- Name: submissions uq_submissions_landing_key_received_sha256; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT uq_submissions_landing_key_received_sha256 UNIQUE (landing_key, received, sha256);


--
-- Name: ix_findings_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_findings_code ON public.findings USING btree (code);


--
-- Name: ix_registrations_uln; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_registrations_uln ON public.registrations USING btree (uln) WHERE (uln <> ''::text);


--
-- Name: ix_replies_unpublished; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_replies_unpublished ON public.replies USING btree (submission_id) WHERE (NOT published);


--
-- Name: ix_submissions_waiting; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_submissions_waiting ON public.submissions USING btree (centre) WHERE (outcome IS NULL);


--
-- Name: uq_entries_held; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_entries_held ON public.entries USING btree (centre, series, candidate, option) WHERE (ended_by IS NULL);


--
-- Name: uq_registrations_held; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_registrations_held ON public.registrations USING btree (centre, series, candidate, option) WHERE (ended_by IS NULL);


--
-- Name: uq_submissions_content; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_submissions_content ON public.submissions USING btree (centre, sha256) WHERE booked;


--
-- Name: uq_submissions_sequence; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX uq_submissions_sequence ON public.submissions USING btree (centre, awarding_body, series, letter, sequence) WHERE booked;


--
-- Name: entries fk_entries_ended_by; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT fk_entries_ended_by FOREIGN KEY (ended_by) REFERENCES public.submissions(id);


--
-- Name: entries fk_entries_submission_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.entries
    ADD CONSTRAINT fk_entries_submission_id FOREIGN KEY (submission_id) REFERENCES public.submissions(id);


--
-- Name: fee_lines fk_fee_lines_submission_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fee_lines
    ADD CONSTRAINT fk_fee_lines_submission_id FOREIGN KEY (submission_id) REFERENCES public.submissions(id);


--
-- Name: findings fk_findings_submission_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.findings
    ADD CONSTRAINT fk_findings_submission_id FOREIGN KEY (submission_id) REFERENCES public.submissions(id);


--
-- Name: registrations fk_registrations_ended_by; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.registrations
    ADD CONSTRAINT fk_registrations_ended_by FOREIGN KEY (ended_by) REFERENCES public.submissions(id);


--
-- Name: registrations fk_registrations_submission_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.registrations
    ADD CONSTRAINT fk_registrations_submission_id FOREIGN KEY (submission_id) REFERENCES public.submissions(id);


--
-- Name: replies fk_replies_submission_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.replies
    ADD CONSTRAINT fk_replies_submission_id FOREIGN KEY (submission_id) REFERENCES public.submissions(id);


--
-- PostgreSQL database dump complete
--

\unrestrict Wvwv125zEYVchU0Kzudg6esuufOReVRY8UGtVobbCcVwUXPVYKQQaof5P9wBqkN

