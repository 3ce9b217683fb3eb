//! What fields are called, in the languages that APIs are written in: English, German, French,
//! Spanish, Italian, Portuguese, Dutch, the Nordic ones, Polish.
//!
//! Phrases are the words of a name joined, in lower case, without marks and plural.

use std::sync::LazyLock;

use hashbrown::HashSet;
use tapline_model::DataClass;

/// Phrases that say the class, and those that may say it.
pub(super) struct Phrases {
    pub(super) class: DataClass,
    /// Whoever reads it knows.
    pub(super) strong: &'static str,
    /// It may mean something else too.
    pub(super) weak: &'static str,
}

const fn say(class: DataClass, strong: &'static str, weak: &'static str) -> Phrases {
    Phrases { class, strong, weak }
}

/// By class.
pub(super) const PHRASES: &[Phrases] = &[
    say(
        DataClass::CardNumber,
        "cardnumber cardno cardnum cardnr ccnumber ccnum ccno creditcard creditcardnumber creditcardno \
         creditcardnum debitcard debitcardnumber primaryaccountnumber pan pannumber paymentcard \
         paymentcardnumber kartennummer kreditkartennummer kreditkarte numerodecarte numerocarte \
         numcarte cartebancaire numerocartebancaire numerotarjeta numerodetarjeta tarjeta tarjetacredito \
         numerocarta numerocartadicredito cartadicredito cartacredito numerocartao numerodocartao \
         cartaodecredito cartaocredito kaartnummer creditcardnummer kortnummer kredittkort korttinumero \
         numerkarty cardpan accountpan fpan cc ccn cardaccountnumber plasticnumber",
        "card carte karte cartao kaart kort acctnum instrument accountnumber",
    ),
    say(
        DataClass::CardVerification,
        "cvv cvc cvv2 cvc2 cid csc cvn cardcvv cardcvc cvvcode cvccode cvvnumber cardverificationvalue \
         cardverificationcode cardverification cardsecuritycode cardsecurity cardcode verificationvalue \
         prufziffer kartenprufnummer prufnummer pruefnummer kartenpruefnummer cryptogramme \
         cryptogrammevisuel codigoseguridad codigodeseguridad codicesicurezza codicedisicurezza \
         codigoseguranca codigodeseguranca cvccvv cvvcvc cardcvn ccv cccvv cccvc",
        "securitycode",
    ),
    say(
        DataClass::CardExpiry,
        "cardexpiry cardexpiration cardexpirydate cardexpirationdate cardexp expmonth expyear expirymonth \
         expiryyear expirationmonth expirationyear ccexp ccexpiry ccexpiration ccexpmonth ccexpyear \
         cardexpmonth cardexpyear cardexpirymonth cardexpiryyear expmm expyy expmmyy expirymmyy \
         kartenablauf gultigbis kartegultigbis dateexpirationcarte cardvalidthru cardvalidto \
         cardexpdate ccexpdate creditcardexpiry creditcardexpiration creditcardexpirationdate \
         fechavencimientotarjeta fechacaducidadtarjeta scadenzacarta validadecartao validadedocartao \
         paymentcardexpiry paymentcardexpiration vervaldatumkaart",
        "expiry expdate exp expiration expirationdate expirydate validthru goodthru",
    ),
    say(
        DataClass::TrackData,
        "trackdata track1data track2data track1 track2 magstripe magneticstripe magstripedata \
         trackonedata tracktwodata track2equivalentdata swipedata cardtrack cardtrackdata",
        "track swipe",
    ),
    say(
        DataClass::Pin,
        "cardpin pinblock pincode atmpin userpin debitpin bankpin pinnumber customerpin accesspin \
         encryptedpin securitypin transactionpin paymentpin geheimzahl kartenpin newpin oldpin",
        "pin",
    ),
    say(
        DataClass::Iban,
        "iban ibannumber ibancode ibanno internationalbankaccountnumber bankiban accountiban",
        "bankaccount accountnumber account konto kontonummer compte cuenta conto conta rekening \
         rekeningnummer bankverbindung beneficiaryaccount debtoraccount creditoraccount",
    ),
    say(
        DataClass::Bic,
        "bic swift swiftcode biccode bicswift swiftbic swiftnumber bankbic swiftaddress \
         bankidentifiercode bicnumber",
        "bankcode",
    ),
    say(
        DataClass::BankAccount,
        "bankaccount bankaccountnumber bankaccountno bankacct bankacctnumber accountnumber accountno \
         acctnumber acctno accountnum acctnum kontonummer kontonr numerodecompte numerocompte numcompte \
         numerocuenta numerodecuenta cuentabancaria numeroconto contobancario numeroconta \
         numerodaconta contabancaria contacorrente rekeningnummer bankrekening bankrekeningnummer \
         kontonumer numerkonta numerrachunku tilinumero bban bankkonto checkingaccount \
         checkingaccountnumber savingsaccountnumber depositaccount clabe beneficiaryaccountnumber",
        "account acct konto compte cuenta conto conta rekening",
    ),
    say(
        DataClass::RoutingNumber,
        "routingnumber routingno routingnum abarouting abaroutingnumber aba abanumber abacode \
         routingtransitnumber rtn bankroutingnumber sortcode banksortcode bankleitzahl blz ifsc ifsccode \
         bsb bsbnumber transitnumber banktransitnumber routing achrouting achroutingnumber",
        "",
    ),
    say(
        DataClass::Salary,
        "salary annualsalary monthlysalary basesalary grosssalary netsalary wage hourlywage income \
         annualincome monthlyincome grossincome netincome householdincome yearlyincome gehalt bruttogehalt \
         nettogehalt lohn bruttolohn nettolohn jahresgehalt einkommen salaire salairebrut salairenet revenuannuel \
         salario salariobruto salarioneto sueldo stipendio reddito ordenado rendimento renda salaris \
         loon inkomen lonn palkka wynagrodzenie pensja compensation basepay payrate remuneration",
        "",
    ),
    say(
        DataClass::UsSsn,
        "ssn ssnnumber ssnno socialsecurity socialsecuritynumber socialsecurityno socialsecuritynum \
         socsec socsecnum ussn usssn itin socialsecnumber",
        "social taxid tin taxpayerid taxpayeridentificationnumber nationalid",
    ),
    say(
        DataClass::UkNino,
        "nino ninumber nationalinsurance nationalinsurancenumber nationalinsuranceno natinsnumber",
        "",
    ),
    say(DataClass::UkNhs, "nhs nhsnumber nhsno nhsnum", "healthnumber patientnumber"),
    say(
        DataClass::FrNir,
        "nir numerosecu numsecu securitesociale numerosecuritesociale numerodesecuritesociale numsecuritesociale \
         insee numeroinsee numeross nss",
        "socialsecuritynumber ssn",
    ),
    say(
        DataClass::EsDni,
        "dni nif numerodni dninumber documentonacionalidentidad dninif",
        "documento cedula",
    ),
    say(DataClass::EsNie, "nie numeronie nienumber dninie", "documento"),
    say(
        DataClass::ItCodiceFiscale,
        "codicefiscale codfiscale codfisc codicefisc fiscalcode cfiscale",
        "cf",
    ),
    say(DataClass::NlBsn, "bsn burgerservicenummer sofinummer bsnnummer bsnnumber", ""),
    say(DataClass::PlPesel, "pesel numerpesel peselnumber nrpesel", ""),
    say(
        DataClass::DeTaxId,
        "steuerid steueridentifikationsnummer steuernummer steueridnr idnr steuerlicheidentifikationsnummer \
         taxidde steueridnummer",
        "taxid",
    ),
    say(DataClass::BrCpf, "cpf numerocpf cpfnumber cpfcnpj", ""),
    say(DataClass::BrCnpj, "cnpj numerocnpj cnpjnumber", "cpfcnpj"),
    say(
        DataClass::InAadhaar,
        "aadhaar aadhar aadhaarnumber aadharnumber aadhaarno aadharno uidai adhaar",
        "",
    ),
    say(DataClass::InPan, "pancard pancardnumber permanentaccountnumber panno", "pan pannumber"),
    say(
        DataClass::SePersonnummer,
        "personnummer personnr svensktpersonnummer samordningsnummer",
        "personalnumber pnr personalidentitynumber",
    ),
    say(
        DataClass::FiHetu,
        "hetu henkilotunnus sotu henkilotunnu",
        "personalid personalidentitycode",
    ),
    say(DataClass::NoFnr, "fodselsnummer fodselsnr fnr foedselsnummer dnummer", "personnummer"),
    say(
        DataClass::NationalId,
        "nationalid nationalidentifier nationalidnumber nationalidentitynumber nationalidentificationnumber \
         personalid personalidentitynumber personalidentificationnumber personalnumber governmentid \
         governmentidnumber govid identitynumber identitycardnumber idcardnumber idcard idcardno identitycard \
         citizenid citizenshipnumber residentid residentregistrationnumber cprnumber cpr cprnummer nif numerofiscal \
         sin sinnumber socialinsurancenumber tfn taxfilenumber curp rut run cedula cuil cuit \
         rodnecislo egn cnp oib jmbg tckn tckimlikno kimlikno isikukood asmenskodas personaskods \
         personalausweisnummer ausweisnummer personalausweis svnr sozialversicherungsnummer svnummer ahv \
         ahvnummer ahvnr avs rijksregisternummer numeronational nationalregisternumber ppsn ppsnumber ppsno \
         nric nricnumber fin mynumber rrn shenfenzheng rsaid rsaidnumber saidnumber medicarenumber \
         documentoidentidad documentoidentita cartaidentita cni numerocni pesonalcode personalcode",
        "taxid taxpayerid tin taxnumber fiscalnumber identificationnumber idnumber documentnumber \
         socialsecuritynumber documentid identification insurancenumber",
    ),
    say(
        DataClass::Passport,
        "passport passportnumber passportno passportnum passportnr passnummer reisepass reisepassnummer \
         numeropasseport passeport numeropasaporte pasaporte numeropassaporto passaporto numeropassaporte \
         passaporte paspoort paspoortnummer passinumero passnr numerpaszportu paszport traveldocumentnumber \
         mrz passportmrz",
        "documentnumber traveldocument",
    ),
    say(
        DataClass::DrivingLicence,
        "driverlicense driverlicence driverlicensenumber driverlicencenumber drivinglicense drivinglicence \
         drivinglicensenumber drivinglicencenumber drivinglicenceno drivinglicenseno driverslicense \
         driverslicence driverslicensenumber driverslicencenumber dlnumber dlno driverlicenseno licensedriver \
         fuhrerschein fuhrerscheinnummer fuehrerschein permisdeconduire numeropermis licenciaconducir \
         carnetconducir carnetdeconducir patente patenteguida numeropatente cartadeconducao cnh rijbewijs \
         rijbewijsnummer korkort korkortsnummer prawojazdy driverlic",
        "licensenumber licencenumber",
    ),
    say(
        DataClass::Email,
        "email emailaddress mail mailaddress mailadresse emailadresse emailaddr adressemail adresseemail \
         courriel correo correoelectronico direccioncorreo indirizzoemail postaelettronica enderecoemail \
         emailadres epost epostadress epostadresse sahkoposti adresemail emailid mailto contactemail",
        "contact username login user recipient sender replyto cc bcc",
    ),
    say(
        DataClass::Phone,
        "phone phonenumber phoneno phonenum telephone telephonenumber telephoneno tel telnumber telno mobile \
         mobilenumber mobileno mobilephone mobilephonenumber mobil cell cellphone cellphonenumber cellnumber \
         cellular msisdn fax faxnumber telefax telefon telefonnummer telefonnr handy handynummer \
         mobilnummer mobiltelefon rufnummer festnetz numerotelephone numerodetelephone telephoneportable \
         portable telefono numerotelefono numerodetelefono telefonomovil movil celular cellulare telefone \
         numerotelefone telemovel telefoonnummer telefoon mobielnummer gsm gsmnumber puhelin puhelinnumero \
         matkapuhelin numertelefonu telefonu komorka landline whatsapp whatsappnumber homephone workphone \
         phonehome phonework dayphone eveningphone contactphone contactnumber callbacknumber e164 smsnumber \
         phonemobile mobilnr tlf tlfnr",
        "contact caller callee",
    ),
    say(
        DataClass::PersonName,
        "firstname lastname fullname nmfirst nmlast firstnm lastnm fstname lstname custname custnm clientnm patientnm middlename surname familyname givenname forename fname lname maidenname \
         legalname middleinitial firstlastname personname realname birthname cardholder cardholdername \
         nameoncard cardname cardholderfullname accountholder accountholdername holdername beneficiaryname \
         payername payeename customername clientname patientname employeename contactname guestname passengername \
         travelername travellername membername studentname teachername doctorname physicianname drivername \
         recipientname sendername shippername receivername authorname ownername applicantname \
         candidatename borrowername insuredname policyholder policyholdername nameofinsured subscribername \
         buyername sellername spousename mothername fathername mothermaidenname nextofkin emergencycontactname \
         attendeename delegatename signatory signatoryname contactperson contactfirstname vorname nachname \
         familienname vollername name1st geburtsname kundenname ansprechpartner karteninhaber kontoinhaber \
         prenom nomdefamille nomcomplet nomclient nomprenom titulaire nomtitulaire nombrecompleto apellido primerapellido \
         segundoapellido nombrecliente titular nombretitular cognome nomecognome nomecompleto nominativo \
         intestatario sobrenome nomedocliente nomecliente nomedamae nomemae voornaam achternaam volledigenaam \
         tussenvoegsel naamklant fornavn etternavn efternavn fornamn efternamn etunimi sukunimi imie nazwisko \
         imienazwisko accountname1 primaryholder billingname billingcontact shippingname deliveryname usernamefull \
         personfullname personalname familynames givennames username1 namefirst namelast initials displaynamefull",
        "name nom nombre nome naam navn namn nimi contact holder owner author recipient sender assignee manager \
         customer patient client employee displayname createdby guest passenger member student doctor driver \
         first last middle given family attendee beneficiary payer payee applicant person reviewer approver user \
         consignee addressee spouse",
    ),
    say(
        DataClass::PostalAddress,
        "street streetaddress streetname streetline addressline addressline1 addressline2 addressline3 addr1 addr2 \
         address1 address2 street1 street2 homeaddress mailingaddress postaladdress billingaddress \
         shippingaddress deliveryaddress residentialaddress fulladdress formattedaddress currentaddress \
         permanentaddress workaddress physicaladdress customeraddress patientaddress addressstreet addressfull \
         legaladdress billingstreet shippingstreet deliverystreet addressfirstline residence \
         strasse anschrift adresse wohnadresse lieferadresse rechnungsadresse postanschrift hausanschrift \
         strassehausnummer rue adressepostale adresselivraison adressefacturation adressecomplete \
         direccion calle direccionpostal domicilio direccionenvio direccionfacturacion \
         indirizzo via indirizzospedizione indirizzoresidenza residenza endereco logradouro enderecoentrega \
         morada adres straat straatnaam woonadres afleveradres gata gateadresse gatuadress gade katuosoite osoite \
         ulica adreszamieszkania adreskorespondencyjny addressline01 addr",
        "address line1 line2 line destination origin pickup dropoff shipto billto addressline text location",
    ),
    say(
        DataClass::Postcode,
        "postcode postalcode postal zip zipcode zip5 zip4 postalzip zippostal postalcodezip plz postleitzahl codepostal \
         codigopostal cp cap codicepostale codiceavviamentopostale cep postnummer postnr postinumero \
         kodpocztowy eircode pincodepostal postcodezip billingzip shippingzip billingpostcode addresszip",
        "pincode pin",
    ),
    say(
        DataClass::DateOfBirth,
        "dob dateofbirth birthdate birthday birthdt bdate bday birthyear yearofbirth birth dateborn borndate \
         born birthmonth geburtsdatum geburtstag geburtsjahr datedenaissance datenaissance naissance \
         fechanacimiento fechadenacimiento nacimiento datanascita datadinascita nascita datanascimento \
         datadenascimento nascimento geboortedatum geboortedag fodselsdato fodselsdag fodelsedatum \
         foedselsdato syntymaaika dataurodzenia urodziny dobdate birthdatetime personbirthdate",
        "",
    ),
    say(
        DataClass::Gender,
        "gender sex genderidentity gendercode sexcode geschlecht sexe genre genero sexo genere sesso geslacht \
         kjonn kon sukupuoli plec administrativegender birthsex",
        "",
    ),
    say(
        DataClass::Geo,
        "lat latitude lng lon long longitude geolat geolng geolon geolong latlng latlon latlong geo geolocation \
         geopoint gps gpscoordinate gpslat gpslon gpslng gpslatitude gpslongitude coordinate coord coordinates \
         breitengrad langengrad breite laenge lange latitud longitud latitudine longitudine latitude1 \
         breedtegraad lengtegraad position1 homelat homelng pickuplat pickuplng dropofflat dropofflng \
         originlat originlng destlat destlng",
        "location position point",
    ),
    say(
        DataClass::IpAddress,
        "ip ipaddress ipaddr ipv4 ipv6 clientip remoteip remoteaddress remoteaddr sourceip srcip dstip destip userip \
         hostip ipadresse adresseip direccionip indirizzoip enderecoip ipadres lastloginip loginip signupip \
         ipv4address ipv6address peerip",
        "source client host address",
    ),
    say(
        DataClass::MacAddress,
        "mac macaddress macaddr ethernetaddress hwaddress hardwareaddress wifimac bluetoothmac bssid deviceaddress",
        "",
    ),
    say(
        DataClass::Username,
        "username userlogin loginname loginid userid1 screenname handle nickname nick benutzername anmeldename \
         nomutilisateur nomdutilisateur identifiant pseudo nombreusuario nombredeusuario nomeutente \
         nomeusuario nomedeusuario gebruikersnaam brukernavn anvandarnamn brugernavn kayttajatunnus \
         nazwauzytkownika loginuser samaccountname userprincipalname upn githubusername twitterhandle",
        "login user usuario utente",
    ),
    say(
        DataClass::Health,
        "icd icd10 icd9 icdcode icd10code diagnosiscode diagnosis diagnose primarydiagnosis secondarydiagnosis \
         diagnosescode diagnosecode dxcode diagnosticcode admittingdiagnosis mrn medicalrecord medicalrecordnumber \
         medicalrecordno patientmrn patientid healthrecordnumber chartnumber diagnostic diagnostico diagnosi \
         bloodtype bloodgroup blutgruppe groupesanguin gruposanguineo grupposanguigno tiposanguineo bloedgroep \
         medication medications prescription drug medicament medicamento medikament medicijn allergy allergen \
         allergie alergia allergies symptom symptome sintoma medicalcondition healthcondition chroniccondition \
         conditioncode disability disabilitystatus behinderung medicalhistory anamnesis treatment therapy \
         procedurecode cptcode loinc loinccode snomed snomedcode ndc ndccode vaccination vaccine immunization \
         hivstatus labresult testresultmedical healthstatus krankheit erkrankung befund maladie enfermedad \
         malattia doenca ziekte sygdom sykdom sjukdom choroba rozpoznanie medicalnotes clinicalnotes \
         healthinsurancenumber healthplanid",
        "condition code",
    ),
    say(
        DataClass::SpecialCategory,
        "religion religiousbelief religiousaffiliation faith ethnicity ethnicorigin ethnicgroup race \
         racialorigin politicalopinion politicalaffiliation politicalparty politicalview tradeunion \
         tradeunionmembership unionmembership sexualorientation konfession religionszugehorigkeit \
         ethnie ethnischeherkunft religione religiao etnia orientationsexuelle orientacionsexual \
         godsdienst appartenancepolitique",
        "orientation",
    ),
    say(
        DataClass::Password,
        "password passwd pwd pass passwort kennwort motdepasse mdp contrasena clave contrasenia senha \
         wachtwoord passord losenord adgangskode salasana haslo passphrase userpassword newpassword oldpassword \
         currentpassword confirmpassword passwordconfirm passwordconfirmation repeatpassword passwordrepeat \
         loginpassword adminpassword dbpassword databasepassword rootpassword passwordhash hashedpassword \
         passwordhashed passwordplain plainpassword temppassword temporarypassword passcode userpass \
         dbpass smtppassword encryptedpassword passwordencrypted passwordsalt passworddigest",
        "",
    ),
    say(
        DataClass::Secret,
        "secret clientsecret appsecret applicationsecret secretkey consumersecret sharedsecret webhooksecret \
         signingsecret apisecret accesskeysecret secretaccesskey awssecretaccesskey encryptionkey signingkey \
         masterkey hmackey totpsecret otpsecret mfasecret jwtsecret sessionsecret cookiesecret geheimnis \
         connectionstring dsn databaseurl seedphrase mnemonic recoverycode backupcode hmacsecret storagekey \
         accountkey privatetoken symmetrickey aeskey securityanswer secretanswer credential clientassertion",
        "",
    ),
    say(
        DataClass::ApiKey,
        "apikey apitoken accesskey accesskeyid awsaccesskeyid appkey applicationkey subscriptionkey \
         consumerkey servicekey integrationkey developerkey licensekey publishablekey xapikey \
         authkey apikeyid personalaccesstoken stripekey googleapikey githubtoken slacktoken deploykey cleapi \
         clavapi claveapi apischlussel chiaveapi chaveapi sendgridkey awskey awsaccesskey",
        "key token",
    ),
    say(
        DataClass::Jwt,
        "jwt jwttoken idtoken jwtassertion jsonwebtoken",
        "token accesstoken bearer authorization authtoken assertion",
    ),
    say(
        DataClass::AccessToken,
        "accesstoken refreshtoken authtoken bearertoken authenticationtoken authorizationtoken oauthtoken \
         usertoken logintoken securitytoken csrftoken xsrftoken resettoken passwordresettoken verificationtoken \
         devicetoken pushtoken invitetoken magictoken remembertoken sessiontoken bearer authorization authcode \
         authorizationcode ssotoken zugriffstoken jetonacces tokenacceso tokendeacesso tokenaccesso idptoken \
         onetimetoken confirmationtoken activationtoken unsubscribetoken accesstokensecret apitokenvalue \
         registrationtoken fcmtoken impersonationtoken",
        "token jeton nonce",
    ),
    say(
        DataClass::PrivateKey,
        "privatekey privatekeypem sshprivatekey rsaprivatekey sslkey tlskey pemkey privkey pgpprivatekey \
         serverkey keypem clientkey signingprivatekey",
        "key pem",
    ),
    say(
        DataClass::SessionId,
        "sessionid sessid sid jsessionid phpsessid sessionkey sessionidentifier aspsessionid connectsid \
         sessiontoken sessioncookie websessionid loginsession loginsessionid sitzungsid idsession idsesion \
         usersession usersessionid authsessionid",
        "session",
    ),
    say(
        DataClass::OneTimeCode,
        "otp otpcode onetimecode onetimepassword onetimepasscode totp totpcode mfacode twofactorcode 2facode \
         tfacode smscode authenticatorcode loginotp smsotp emailotp verificationpin tan mtan smstan",
        "verificationcode confirmationcode passcode",
    ),
];

/// What is called like a class and is none. The longest phrase counts.
pub(super) const NOT: &str = "productname filename hostname domainname companyname eventname displaynamehost servername \
     servicename appname applicationname groupname rolename categoryname brandname modelname planname \
     projectname tablename columnname fieldname classname methodname pathname typename tagname themename \
     stylename packagename modulename functionname variablename keyname itemname skuname campaignname \
     channelname listname teamname organizationname organisationname orgname businessname storename \
     shopname merchantname bankname schoolname universityname departmentname divisionname countryname \
     cityname statename regionname currencyname languagename cardbrandname drugname devicename browsername \
     osname vendorname suppliername buildingname roomname coursename bookname songname albumname titlename \
     statusname displayname1 nameserver hotelname airlinename airportname stationname portname vesselname \
     shipname warehousename locationname sitename pagename menuname zonename nodename clustername \
     namespacename bucketname queuename topicname streamname indexname databasename schemaname profilename \
     templatename reportname policyname rulename attributename parametername propertyname optionname \
     featurename productiname paymentmethodname shippingmethodname carriername couriername tariffname \
     cardtype cardbrand cardscheme cardnetwork cardcountry cardtoken cardid cardlast4 last4 lastfour bin \
     giftcard giftcardnumber loyaltycard loyaltycardnumber loyaltynumber membershipnumber librarycard \
     ordernumber orderno orderid invoicenumber invoiceno trackingnumber trackingno trackingid shipmentnumber \
     serialnumber serialno partnumber itemnumber productnumber batchnumber lotnumber ticketnumber casenumber \
     referencenumber refnumber refno transactionnumber transactionid confirmationnumber bookingnumber \
     reservationnumber flightnumber roomnumber seatnumber housenumber buildingnumber streetnumber \
     pagenumber linenumber rownumber versionnumber buildnumber portnumber phonemodel phonetype phonebrand \
     phonename phonecolor phoneos mobileapp mobileos telephonetype emailtype emailtemplate emailsubject \
     emailbody emaildomain mailserver mailbox emailprovider emailstatus webaddress urladdress walletaddress \
     cryptoaddress contractaddress tokenaddress addresstype addresscode memoryaddress \
     shippingmethod shippingcost deliverymethod expirydatetime sessionexpiry tokenexpiry tokentype tokencount \
     tokenlimit accesstokentype keytype keyid publickey publickeypem keyname keylength keyversion \
     primarykey foreignkey partitionkey sortkey cachekey idempotencykey objectkey s3key storagekeyname \
     translationkey localekey issuekey projectkey hotkey passrate passcount passmark boardingpass \
     bypass passengerid passenger1 pwdage passwordpolicy passwordstrength secretname secretid \
     accountname accounttype accountid accountstatus accountmanagerid accountbalance bankid \
     nextpagetoken nexttoken prevtoken previoustoken starttoken endtoken marker pagetoken continuationtoken cursortoken synctoken tokenid tokenname tokensymbol \
     pagelocation useragent userrole usertype userstatus sessionduration sessioncount sessiontype \
     sessionname trackingcode trackingurl trackname track1name trackid tracktitle trackcount \
     pinned pintype pinid racetime racename racedate tanker genretype musicgenre bookgenre moviegenre filmgenre \
     mobileversion telemetry license licensetype licenseplate licenceplate conditioncodeid weathercondition \
     itemcondition productcondition termsandconditions lineitem lineid pipeline timeline deadline \
     headline onlinestatus pointid pointcount pointtotal loyaltypoint rewardpoint checkpoint endpoint \
     breakpoint mountpoint datapoint coordinatesystem positionid positiontitle jobposition jobtitle \
     drugstore treatmenttype couponcode promocode vouchercode discountcode currencycode countrycode \
     languagecode statuscode errorcode responsecode zipfile zipfilename zipurl zipsize postcodelottery \
     macos macosversion ipversion iprange swiftversion taxcode taxrate birthcount birthplace incomestatement \
     incomestatementid accountincome netincomeratio incometype sourcename clientversion clientid clienttype \
     hosttype contactid contacttype contacttitle contactmethod contacturl ownerid ownertype authorid \
     authorurl managerid customerid patientcount doctorid driverid driverversion employeeid memberid \
     memberof membersince studentid guestcount userid usercount firstseen firstpage firstdate \
     lastseen lastpage lastmodified lastupdated lastlogin lastname1 middleware familyid familytype givendate \
     locationid locationtype locationcode destinationid destinationtype originid origintype addressid \
     addressbook addressvalid texttype textcolor textsize residencetype personid persontype \
     healthcheck healthstatuscode healthy healthcheckurl serverhealth ageofaccount exposure expressid \
     experiment expected expertise expense expires expiresin expiresat exporttime";

/// Words before a phrase that make a flag, a number or a part of it.
pub(super) static NEGATING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "is has have can should allow allowed enable enabled disable require required requires show \
    hide use uses need needs num count total max min maximum minimum masked redacted obfuscated \
    truncated partial hasvalid invalid verified no without default"
        .split_ascii_whitespace()
        .collect()
});

/// Words that may follow a phrase without changing what it means.
pub(super) static NEUTRAL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "ligne linea zeile linha regel number no num nr nummer numero value val text str string raw \
    plain primary secondary home work office private personal business main other alt alternate alternative new old current \
    original full formatted input field data clear cleartext plaintext billing shipping de en fr \
    es it a b line mobile legal hash hashed encrypted code info confirmation confirm repeat"
        .split_ascii_whitespace()
        .collect()
});

/// Names that say nothing by themselves: what stands above them speaks.
pub(super) static GENERIC: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "value values val data text raw string content detail details info information attributes \
    attribute payload object obj item items result results resource record records entry entries \
    node nodes edge edges body properties field fields list rows row response request input \
    output params parameters primary main default meta embedded _embedded hits _source source \
    element elements current document doc param"
        .split_ascii_whitespace()
        .collect()
});

/// Words of names whose digits are no person's: a check digit in them proves nothing.
pub(super) static DECOYS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "order tracking imei meid iccid imsi ean ean13 upc gtin isbn issn asin sku barcode timestamp \
    time ts epoch millis ms nanos micros created updated modified deleted expires date at serial \
    invoice bestellnummer bestellung commande pedido ordine auftrag auftragsnummer rechnung \
    rechnungsnummer facture factura fattura ref reference transaction txn tx trace span request \
    correlation shipment parcel awb waybill consignment sendung sendungsnummer lot batch part \
    version build revision quantity qty stock price amount total balance count size bytes offset \
    seq sequence index guid uuid hash checksum etag vin ticket voucher coupon booking flight \
    product article artikel item device firmware port counter duration latency lei duns siret \
    siren vat eori cage loyalty giftcard gift"
        .split_ascii_whitespace()
        .collect()
});
